import { join } from 'node:path'
import { describeOnKafka, freePort, startKafka, startRelay } from '../servers/index.ts'
import { describeLogInTrouble } from './log-in-trouble.ts'

describeOnKafka('On Apache Kafka', () =>
  describeLogInTrouble('Kafka', {
    faults: ['cut', 'stall', 'cut', 'kill', 'member'],
    async server() {
      const listening = await freePort()
      const relay = await startRelay(`kafka://127.0.0.1:${listening}`)
      const advertised = Number(new URL(relay.url).port)
      const folder = join(import.meta.dirname, '../../.local/fault-kafka')
      const broker = await startKafka({ folder, ports: { listening, advertised } })
      return {
        ...{ url: broker.url, relay },
        killAndRestart: async () => {
          await broker.kill()
          await broker.restart()
        },
        close: async () => {
          await broker.kill()
          await relay.close()
        },
      }
    },
  }),
)
