/**
 * Rebuilds orders in a process of its own, as `tributary rebuild` does, and prints as JSON how long the building took, in
 * seconds of the clock and of all its threads' processor time, how long the rename, and the most memory that the process ever had:
 * `node rebuild-process.ts <url> <master key, hex> <partitions at once>`.
 * The seconds go from the first event to the last row with its indexes, the start of threads included; comparing and swapping
 * come after that and are not counted, but their memory is.
 */
import { Worker } from 'node:worker_threads'
import { openDatabase } from '@tributary/database'
import { openEventLog } from '@tributary/event-log'
import { orders } from '@tributary/orders'
import { type RebuildEvent, rebuildProjection } from '@tributary/projection'
import { createLogger, keepHeapSmall } from '@tributary/runtime'
import { openVault } from '@tributary/vault'
import type { RebuildThreadData } from './rebuild-thread.ts'

keepHeapSmall()
const [url = '', masterKey = '', parallel = '1'] = process.argv.slice(2)
const database = openDatabase(url)
const log = await openEventLog({ url, database, partitions: 1 })
const vault = await openVault({ database, masterKeys: [Buffer.from(masterKey, 'hex')] })
const logger = createLogger({ level: 'warn', format: 'json' })
const workerData: RebuildThreadData = { url, masterKey }
const startThread = () => new Worker(new URL('rebuild-thread.ts', import.meta.url), { workerData })
let began = performance.now()
let seconds: number | undefined
let used = process.cpuUsage()
const onEvent = (event: RebuildEvent) => {
  if (event.kind !== 'state') return
  if (event.state === 'building') {
    began = performance.now()
    used = process.cpuUsage()
  } else if (event.state === 'catching-up' && seconds === undefined) {
    seconds = (performance.now() - began) / 1_000
    used = process.cpuUsage(used)
  }
}
const outcome = await rebuildProjection({
  ...{ projection: orders, database, log, vault, logger, onEvent, startThread },
  ...{ pace: { parallel: Number(parallel), share: 1 }, signal: new AbortController().signal, accept: async () => true },
})
if (outcome.kind !== 'done') throw new Error(`The rebuild ended ${outcome.kind}.`)
const { renameMilliseconds } = outcome
const megabytes = process.resourceUsage().maxRSS / 1_024
const cpuSeconds = (used.user + used.system) / 1e6
process.stdout.write(JSON.stringify({ seconds, cpuSeconds, renameMilliseconds, megabytes }))
await log.close()
await database.close()
