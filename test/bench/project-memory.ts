/**
 * Projects orders from the cursor to the end of the log in a process of its own, and prints as JSON how many MB it took
 * at most until 20,000 events and until the end: `node project-memory.ts <url> <master key, hex>`.
 */
import { openDatabase } from '@tributary/database'
import { openEventLog } from '@tributary/event-log'
import { orders } from '@tributary/orders'
import { startProjection } from '@tributary/projection'
import { createLogger } from '@tributary/runtime'
import { openVault } from '@tributary/vault'

const EARLY = 20_000
const KILOBYTES_IN_MEGABYTE = 1024

const [url = '', masterKey = ''] = process.argv.slice(2)
const database = openDatabase(url)
const log = await openEventLog({ url, database, partitions: 1 })
const vault = await openVault({ database, masterKeys: [Buffer.from(masterKey, 'hex')] })
const logger = createLogger({ level: 'silent', format: 'json' })
const projection = startProjection({ projection: orders, database, log, vault, logger })

const early = await megabytesAt(EARLY)
const late = await megabytesAt(Number.POSITIVE_INFINITY)
process.stdout.write(JSON.stringify({ early, late }))
await projection.stop()
await log.close()
await database.close()

/** Waits until so many events are applied, or all there are; the most memory that the process took until then. */
async function megabytesAt(events: number): Promise<number> {
  for (;;) {
    const { applied, lag } = await projection.figures()
    if (applied >= events || (applied > 0 && lag === 0)) break
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return process.resourceUsage().maxRSS / KILOBYTES_IN_MEGABYTE
}
