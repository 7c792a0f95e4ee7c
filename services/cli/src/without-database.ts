import { DatabaseError, openDatabase } from '@tributary/database'
import { createRowIds } from '@tributary/events'
import { backOff, type Configuration, type Logger, pause, runUntilSignal } from '@tributary/runtime'
import { openVault, VaultError } from '@tributary/vault'
import { openChannels } from './channels.ts'
import { openApps, readStart } from './kept-start.ts'
import { openLog } from './open-log.ts'
import { openPlatform, type Platform } from './platform.ts'
import { createServices } from './services.ts'

/** Between two looks for the database, milliseconds. */
const LOOKS = { shortest: 250, longest: 2_000 }

/**
 * The platform, or the exit code of a process that was told to end before it had one. While the database is away, a process
 * that is to run ingest does so from what the last one kept beside its spool: everything that comes is verified and put into the
 * spool. Once the database answers and suits us, ingest stops for a moment and everything begins as ever, which drains the spool.
 * Throws what keeps the platform from opening when nothing was kept, or when it is not that the database is away.
 */
export async function openPatiently(
  configuration: Configuration,
  logger: Logger,
  { takesIn }: { takesIn: boolean },
): Promise<Platform | number> {
  try {
    return await openPlatform(configuration, logger)
  } catch (error) {
    const meanwhile = takesIn && isAway(error) ? await openWithoutDatabase(configuration, logger) : undefined
    if (!meanwhile) throw error
    logger.warn(
      { err: error },
      'the database cannot be used yet; until it can, ingest alone runs and keeps what comes in its spool',
    )
    return await takeInUntilBack(meanwhile)
  }
}

const isAway = (error: unknown): boolean => error instanceof DatabaseError && error.retriable

async function takeInUntilBack(meanwhile: Platform): Promise<Platform | number> {
  const { configuration, logger } = meanwhile
  const [isBack, isEnding] = [new AbortController(), new AbortController()]
  const opening = openWhenBack(configuration, logger, isEnding.signal).finally(() => isBack.abort())
  // What it throws is told once ingest has stopped.
  opening.catch(() => {})
  const { services } = createServices(meanwhile, ['ingest'])
  const code = await runUntilSignal(services, { logger, until: isBack.signal })
  await meanwhile.close()
  if (isBack.signal.aborted) return (await opening) ?? code
  isEnding.abort()
  await opening.then((platform) => platform?.close())
  return code
}

async function openWhenBack(configuration: Configuration, logger: Logger, signal: AbortSignal): Promise<Platform | undefined> {
  for (let attempt = 1; !signal.aborted; attempt += 1) {
    await pause(backOff(attempt, LOOKS.shortest, LOOKS.longest), signal)
    try {
      return await openPlatform(configuration, logger)
    } catch (error) {
      if (!isAway(error)) throw error
    }
  }
  return undefined
}

/** Undefined where no process ever kept what this needs, or what was kept does not open with our master keys. */
async function openWithoutDatabase(configuration: Configuration, logger: Logger): Promise<Platform | undefined> {
  const { spool } = configuration.ingest
  const kept = spool && (await readStart(spool.folder))
  if (!kept) return undefined
  const database = openDatabase(configuration.databaseUrl)
  try {
    const vault = await openVault({
      database,
      masterKeys: configuration.masterKeys,
      pseudonymKey: kept.pseudonymKey,
    })
    const channels = openChannels(configuration, database, { known: openApps(kept, vault) })
    const log = await openLog(configuration, database, logger)
    const mayIssueRowIds = () => false
    const close = async () => {
      await log.close()
      await database.close()
    }
    return {
      ...{ configuration, logger, database, log, vault, channels, mayIssueRowIds, close, withoutDatabase: true },
      rowIds: createRowIds({ worker: 0, mayIssue: mayIssueRowIds }),
    }
  } catch (error) {
    await database.close()
    if (!(error instanceof VaultError)) throw error
    logger.warn({ err: error }, 'what was kept for a start without the database cannot be opened')
    return undefined
  }
}
