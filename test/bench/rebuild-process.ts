/**
 * Rebuilds orders in a process of its own, as `tributary rebuild` does, and prints as JSON how long the building took, how
 * long the rename, and the most memory that the process ever had:
 * `node rebuild-process.ts <url> <master key, hex> <partitions at once>`.
 * The seconds go from the first event to the last row with its indexes; comparing and swapping come after that and are not
 * counted, but their memory is.
 */
import { openDatabase } from '@tributary/database'
import { openEventLog } from '@tributary/event-log'
import { orders } from '@tributary/orders'
import { type RebuildEvent, rebuildProjection } from '@tributary/projection'
import { createLogger, keepHeapSmall } from '@tributary/runtime'
import { openVault } from '@tributary/vault'

keepHeapSmall()
const [url = '', masterKey = '', parallel = '1'] = process.argv.slice(2)
const database = openDatabase(url)
const log = await openEventLog({ url, database, partitions: 1 })
const vault = await openVault({ database, masterKeys: [Buffer.from(masterKey, 'hex')] })
const logger = createLogger({ level: 'warn', format: 'json' })
let began = 0
let ended = 0
const onEvent = (event: RebuildEvent) => {
  if (event.kind === 'state' && event.state === 'building') began = performance.now()
  if (event.kind === 'state' && event.state === 'catching-up') ended ||= performance.now()
}
const outcome = await rebuildProjection({
  ...{ projection: orders, database, log, vault, logger, onEvent },
  ...{ pace: { parallel: Number(parallel), share: 1 }, signal: new AbortController().signal, accept: async () => true },
})
if (outcome.kind !== 'done') throw new Error(`The rebuild ended ${outcome.kind}.`)
const { renameMilliseconds } = outcome
const megabytes = process.resourceUsage().maxRSS / 1_024
process.stdout.write(JSON.stringify({ seconds: (ended - began) / 1_000, renameMilliseconds, megabytes }))
await log.close()
await database.close()
