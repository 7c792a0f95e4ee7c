/** A thread of `rebuild-process.ts`, as `tributary rebuild` has them. */
import { workerData } from 'node:worker_threads'
import { openDatabase } from '@tributary/database'
import { openEventLog } from '@tributary/event-log'
import { orders } from '@tributary/orders'
import { serveBuilding } from '@tributary/projection'
import { createLogger } from '@tributary/runtime'
import { openVault } from '@tributary/vault'

export type RebuildThreadData = { url: string; masterKey: string }

const { url, masterKey } = workerData as RebuildThreadData
const database = openDatabase(url)
const log = await openEventLog({ url, database, partitions: 1 })
const vault = await openVault({ database, masterKeys: [Buffer.from(masterKey, 'hex')] })
const logger = createLogger({ level: 'warn', format: 'json' })
try {
  await serveBuilding({ projection: orders, database, log, vault, logger })
} finally {
  await log.close()
  await database.close()
}
