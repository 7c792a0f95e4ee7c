/**
 * Projects orders from the cursor to the end of the log in a process of its own, and prints as JSON how many MB it takes
 * after 20,000 events and at the end: `node --expose-gc project-memory.ts <url> <master key, hex>`.
 */
import { openDatabase } from '@tributary/database'
import { openEventLog } from '@tributary/event-log'
import { orders } from '@tributary/orders'
import { startProjection } from '@tributary/projection'
import { createLogger } from '@tributary/runtime'
import { openVault } from '@tributary/vault'

const EARLY = 20_000
const MEGABYTE = 2 ** 20

const [url = '', masterKey = ''] = process.argv.slice(2)
const database = openDatabase(url)
const log = await openEventLog({ url, database, partitions: 1 })
const vault = await openVault({ database, masterKeys: [Buffer.from(masterKey, 'hex')] })
const logger = createLogger({ level: 'silent', format: 'json' })
const projection = startProjection({ projection: orders, database, log, vault, logger })

const early = await memoryAt(EARLY)
const late = await memoryAt(Number.POSITIVE_INFINITY)
process.stdout.write(JSON.stringify({ early, late }))
await projection.stop()
await log.close()
await database.close()

/**
 * Waits until so many events are applied, or all there are. `resident` is what the process takes, which V8 lets grow to
 * some bound of its own; `live` is what is left of the heap and its buffers when all that nobody needs is collected.
 */
async function memoryAt(events: number): Promise<{ resident: number; live: number }> {
  for (;;) {
    const { applied, lag } = await projection.figures()
    if (applied >= events || (applied > 0 && lag === 0)) break
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  const resident = process.memoryUsage.rss() / MEGABYTE
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return { resident, live: (heapUsed + external) / MEGABYTE }
}
