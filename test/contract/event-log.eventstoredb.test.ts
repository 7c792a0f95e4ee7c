import { migratedTestDatabase } from '@tributary/test/servers'
import { startEventStoreDb } from '@tributary/test/servers/eventstoredb'
import { describeEventLog } from './event-log.ts'

describeEventLog('EventStoreDB', async () => {
  const [server, { url: databaseUrl, drop }] = await Promise.all([
    startEventStoreDb(),
    migratedTestDatabase('eventstoredb_log'),
  ])
  return {
    ...{ url: server.url, databaseUrl, dense: true },
    drop: async () => {
      await server.stop()
      await drop()
    },
  }
})
