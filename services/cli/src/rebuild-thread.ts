/** A thread of `tributary rebuild`: builds partitions until the command ends it. */
import { workerData } from 'node:worker_threads'
import { openDatabase } from '@tributary/database'
import { serveBuilding } from '@tributary/projection'
import { projectionsOf } from '@tributary/projector'
import type { Configuration } from '@tributary/runtime'
import { openVault } from '@tributary/vault'
import { commandLogger } from './command-logger.ts'
import { openLog } from './open-log.ts'
import { projectionNamed } from './projections.ts'

export type RebuildThreadData = { projection: string; configuration: Configuration }

const { projection: name, configuration } = workerData as RebuildThreadData
const logger = commandLogger(configuration)
const database = openDatabase(configuration.databaseUrl)
try {
  const log = await openLog(configuration, database, logger)
  try {
    // On its way here a Buffer became the plain array of its bytes.
    const vault = await openVault({ database, masterKeys: configuration.masterKeys.map((key) => Buffer.from(key)) })
    await serveBuilding({ projection: projectionNamed(projectionsOf(configuration), name), database, log, vault, logger })
  } finally {
    await log.close()
  }
} finally {
  await database.close()
}
