import { join } from 'node:path'
import { type PrivateBroker, startKafka } from './kafka.ts'

let started: Promise<PrivateBroker> | undefined

/** Address of the broker that tests use: `TRIBUTARY_TEST_KAFKA_URL`, else a private one, started at the first call. */
export async function testKafkaUrl(): Promise<string> {
  const existing = process.env['TRIBUTARY_TEST_KAFKA_URL']
  if (existing) return existing
  return (await testKafka()).url
}

/** The private broker itself, for tests that kill it. */
export function testKafka(): Promise<PrivateBroker> {
  started ??= startKafka({ folder: join(import.meta.dirname, '../../.local/test-kafka') })
  return started
}

/** Ends the private broker, when one was started. */
export async function stopTestKafka(): Promise<void> {
  const broker = await started?.catch(() => undefined)
  started = undefined
  await broker?.kill()
}
