import { stopTestServer } from './test-database.ts'
import { stopTestKafka } from './test-kafka.ts'

export async function mochaGlobalTeardown(): Promise<void> {
  await Promise.all([stopTestServer(), stopTestKafka()])
}
