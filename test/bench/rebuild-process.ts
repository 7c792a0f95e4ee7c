/**
 * Rebuilds orders in a process of its own, as `tributary rebuild` does, and prints as JSON how long the building took, in
 * seconds of the clock and of all its threads' processor time, how long the rename, and the most memory that the process ever had:
 * `node rebuild-process.ts <url> <master key, hex> <partitions at once> [building]`.
 * The seconds go from the first event to the last row with its indexes, the start of threads included; comparing and swapping
 * come after that and are not counted, but their memory is. With `building` they do not happen: what was built is given up.
 */
import { Worker } from 'node:worker_threads'
import { openDatabase } from '@tributary/database'
import { openEventLog } from '@tributary/event-log'
import { orders } from '@tributary/orders'
import { abortRebuild, HEAP_GROWTH_OF_REBUILD, type RebuildEvent, rebuildProjection } from '@tributary/projection'
import { createLogger, keepHeapSmall } from '@tributary/runtime'
import { openVault } from '@tributary/vault'
import type { RebuildThreadData } from './rebuild-thread.ts'

export type MeasuredRebuild = { seconds: number; cpuSeconds: number; renameMilliseconds: number; megabytes: number }

keepHeapSmall(HEAP_GROWTH_OF_REBUILD)
const [url = '', masterKey = '', parallel = '1', until] = process.argv.slice(2)
const database = openDatabase(url)
const log = await openEventLog({ url, database, partitions: 1 })
const vault = await openVault({ database, masterKeys: [Buffer.from(masterKey, 'hex')] })
const logger = createLogger({ level: 'warn', format: 'json' })
const workerData: RebuildThreadData = { url, masterKey }
const startThread = () => new Worker(new URL('rebuild-thread.ts', import.meta.url), { workerData })
const built = new AbortController()
let began = performance.now()
let seconds = 0
let used = process.cpuUsage()
const onEvent = (event: RebuildEvent) => {
  if (event.kind !== 'state') return
  if (event.state === 'building') {
    began = performance.now()
    used = process.cpuUsage()
  } else if (event.state === 'catching-up' && seconds === 0) {
    seconds = (performance.now() - began) / 1_000
    used = process.cpuUsage(used)
    if (until === 'building') built.abort(new Error('It was built.'))
  }
}
const outcome = await rebuildProjection({
  ...{ projection: orders, database, log, vault, logger, onEvent, startThread },
  ...{ pace: { parallel: Number(parallel), share: 1 }, signal: built.signal, accept: async () => true },
}).catch((error: unknown) => {
  if (!built.signal.aborted) throw error
})
if (outcome && outcome.kind !== 'done') throw new Error(`The rebuild ended ${outcome.kind}.`)
if (!outcome) await abortRebuild({ projection: orders, database })
const measured: MeasuredRebuild = {
  seconds,
  cpuSeconds: (used.user + used.system) / 1e6,
  renameMilliseconds: outcome?.renameMilliseconds ?? 0,
  megabytes: process.resourceUsage().maxRSS / 1_024,
}
process.stdout.write(JSON.stringify(measured))
await log.close()
await database.close()
