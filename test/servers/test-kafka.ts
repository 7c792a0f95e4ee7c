import { join } from 'node:path'
import { type PrivateBroker, startKafka } from './kafka.ts'
import { findExecutable, ofWorker } from './machine.ts'
import { describeUnless } from './pending.ts'

let started: Promise<PrivateBroker> | undefined

/** Address of the broker that tests use: `TRIBUTARY_TEST_KAFKA_URL`, else a private one, started at the first call. */
export async function testKafkaUrl(): Promise<string> {
  const existing = process.env['TRIBUTARY_TEST_KAFKA_URL']
  if (existing) return existing
  return (await testKafka()).url
}

/** The private broker itself, for tests that kill it. */
function testKafka(): Promise<PrivateBroker> {
  started ??= startKafka({ folder: join(import.meta.dirname, `../../.local/test-kafka${ofWorker()}`) })
  return started
}

/** Ends the private broker, when one was started. */
export async function stopTestKafka(): Promise<void> {
  const broker = await started?.catch(() => undefined)
  started = undefined
  await broker?.kill()
}

/** What keeps a private broker from starting here, with the fix; undefined when nothing does, or another broker is named. */
function whyNoKafka(): string | undefined {
  if (process.env['TRIBUTARY_TEST_KAFKA_URL'] || process.env['CI']) return undefined
  const missing = [...(findExecutable('java') ? [] : ['openjdk-17-jre-headless']), ...(findExecutable('mvn') ? [] : ['maven'])]
  return missing.length === 0 ? undefined : `pending, needs: sudo apt-get install ${missing.join(' ')}`
}

/** A suite on Kafka. Where no broker can be had it is pending and says why; in CI it always runs. */
export function describeOnKafka(title: string, suite: (this: Mocha.Suite) => void): void {
  describeUnless(whyNoKafka(), title, suite)
}
