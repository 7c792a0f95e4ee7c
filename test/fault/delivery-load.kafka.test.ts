import { join } from 'node:path'
import { describeOnKafka, startKafka } from '../servers/index.ts'
import { describeDeliveriesUnderLoad } from './delivery-load.ts'

describeOnKafka('On Apache Kafka', () =>
  describeDeliveriesUnderLoad('Kafka', async () => {
    const broker = await startKafka({ folder: join(import.meta.dirname, '../../.local/fault-load-broker') })
    return {
      url: broker.url,
      killAndRestart: async () => {
        await broker.kill()
        await broker.restart()
      },
      close: () => broker.kill(),
    }
  }),
)
