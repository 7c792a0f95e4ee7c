import { migratedTestDatabase } from '@tributary/test/servers'
import { describeEventLog } from './event-log.ts'

describeEventLog('MySQL', async () => {
  const { url, drop } = await migratedTestDatabase('log')
  return { url, dense: true, drop }
})
