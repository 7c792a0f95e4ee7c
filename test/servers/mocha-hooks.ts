import { stopTestServer } from './test-database.ts'
import { stopTestKafka } from './test-kafka.ts'

/** Run alone, a process ends its servers here; those of a worker end with it, because each is bound to the life of its starter. */
export async function mochaGlobalTeardown(): Promise<void> {
  await Promise.all([stopTestServer(), stopTestKafka()])
}
