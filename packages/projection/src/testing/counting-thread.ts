/** A thread that builds `counting`. With `folds` it dies, as by a fault, when it is to fold once more than that. */
import { workerData } from 'node:worker_threads'
import { quietLogger } from '@tributary/consumer/testing'
import { openDatabase } from '@tributary/database'
import { openEventLog } from '@tributary/event-log'
import { openVault } from '@tributary/vault'
import type { Projection } from '../definition.ts'
import { serveBuilding } from '../rebuild/build-thread.ts'
import { counting } from './counting.ts'

export type CountingThreadData = { url: string; masterKey: string; folds?: number }

const { url, masterKey, folds = Number.POSITIVE_INFINITY } = workerData as CountingThreadData
let folded = 0
const projection: Projection = counting(1)
const mortal: Projection = {
  ...projection,
  fold: (state, event) => {
    folded += 1
    return folded > folds ? process.exit(9) : projection.fold(state, event)
  },
}
const database = openDatabase(url)
const log = await openEventLog({ url, database, partitions: 1 })
try {
  const vault = await openVault({ database, masterKeys: [Buffer.from(masterKey, 'hex')] })
  await serveBuilding({ projection: mortal, database, log, vault, logger: quietLogger })
} finally {
  await log.close()
  await database.close()
}
