import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { inSpan, startTelemetry } from '@tributary/runtime'
import { createEbaySimulator } from '@tributary/test/simulators/ebay'
import { type Benchmark, inTurns, perSecond, rate } from './benchmark.ts'
import { notificationRate, ourIngest, signedRequests } from './ingest-target.ts'

const REQUESTS = 2_500
const ROUNDS = 11
const CALLS = 300_000

/**
 * What traces cost: ingest with telemetry on, at the share that production keeps and at all, against the same ingest with
 * telemetry off; and a span while telemetry is off against the bare call.
 */
export const benchmark: Benchmark = {
  name: 'telemetry',
  async run() {
    const ebay = await createEbaySimulator()
    const folder = await mkdtemp(join(tmpdir(), 'tributary-bench-'))
    const collector = await startCollector()
    const ingest = await ourIngest(ebay)
    const traced = (sampling: number | undefined) => async () => {
      const endpoint = sampling === undefined ? {} : { endpoint: collector.url }
      const telemetry = await startTelemetry({ ...endpoint, sampling: sampling ?? 0, serviceName: 'bench' })
      try {
        return await notificationRate(ingest, signedRequests(ebay, REQUESTS), folder)
      } finally {
        await telemetry.stop()
      }
    }
    try {
      const off = await inTurns(ROUNDS, { bare: () => perSecond(CALLS, bareCalls), span: () => perSecond(CALLS, spans) })
      const on = await inTurns(ROUNDS, { none: traced(undefined), tenth: traced(0.1), all: traced(1) })
      return [
        rate('ingest, a tenth of the traces kept', 'notifications/s', on.tenth, on.none),
        rate('ingest, every trace kept', 'notifications/s', on.all, on.none),
        rate('a span while telemetry is off', 'calls/s', off.span, off.bare),
      ]
    } finally {
      await ingest.close()
      await ebay.close()
      collector.end()
      await rm(folder, { recursive: true })
    }
  },
}

const work = async (): Promise<number> => 1

async function bareCalls(): Promise<void> {
  for (let call = 0; call < CALLS; call += 1) await work()
}

async function spans(): Promise<void> {
  for (let call = 0; call < CALLS; call += 1) await inSpan('work', { kind: 'client' }, work)
}

async function startCollector(): Promise<{ url: string; end(): void }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'telemetry-collector.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const [url] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  return { url, end: () => child.stdin.end() }
}
