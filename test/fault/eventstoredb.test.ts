import { startEventStoreDb } from '../servers/eventstoredb/server.ts'
import { startRelay } from '../servers/index.ts'
import { describeLogInTrouble } from './log-in-trouble.ts'

describeLogInTrouble('EventStoreDB', {
  faults: ['cut', 'stall', 'member', 'cut'],
  async server() {
    const standIn = await startEventStoreDb()
    const relay = await startRelay(standIn.url)
    return {
      ...{ url: relay.url, relay },
      close: async () => {
        await standIn.stop()
        await relay.close()
      },
    }
  },
})
