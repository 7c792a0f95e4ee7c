import { reconcile } from '@tributary/contact-sync'
import { type DirectoryReading, listCorps } from '@tributary/database'
import type { Command } from 'commander'
import { commandLogger } from '../command-logger.ts'
import { CommandError, Interrupted } from '../failure.ts'
import { printLine, printRows } from '../output.ts'
import { openPlatform, type Platform } from '../platform.ts'
import { createProgressBar } from '../progress-bar.ts'
import { configurationFor, withDatabase } from '../setting-up.ts'
import { recordChange } from '../what-commands-do.ts'

type ReconcileOptions = { corp: string; customer?: string; suite?: string; yes?: boolean; json?: boolean }

/** `tributary wework corps|reconcile|quarantine`: corps of WeCom and their directories. */
export function addWeworkCommands(program: Command): void {
  const wework = program.command('wework').description('corps of WeCom and their directories')
  wework
    .command('corps')
    .description('every corp, and how the reading of its directory goes')
    .option('--json', 'one JSON object a line')
    .action(async (options, command: Command) => {
      const corps = await withDatabase(command, (database) => listCorps(database))
      printRows(corps.map(describe), options)
    })
  wework
    .command('reconcile')
    .description(
      'read the directory of a corp now, and append what the log does not know yet; exit code 2 when it held deletions back',
    )
    .requiredOption('--corp <id>', "WeCom's id of the corp")
    .option('--customer <name>', 'where several customers know the corp')
    .option('--suite <id>', 'where several suites know the corp; an empty text for its own app')
    .option('--yes', 'go on when more than a twentieth of the corp would be deleted')
    .option('--json', 'the result as one JSON object')
    .action((options: ReconcileOptions, command: Command) => reconcileByHand(options, command))
  wework
    .command('quarantine')
    .description('signed callbacks that were not for us')
    .option('--json', 'one JSON object a line')
    .action(async (options, command: Command) => {
      const rows = await withDatabase(command, (database) =>
        database.query<QuarantineRow[]>(
          'SELECT customer, address, reason, times, first_time, last_time FROM tributary_wework_quarantine ORDER BY last_time DESC LIMIT 1000',
        ),
      )
      printRows(
        rows.map(({ first_time: first, last_time: last, ...row }) => ({
          ...row,
          first: timeText(first),
          last: timeText(last),
        })),
        options,
      )
    })
}

type QuarantineRow = { customer: string; address: string; reason: string; times: number; first_time: number; last_time: number }

const timeText = (time: number): string => (time > 0 ? new Date(time).toISOString() : '')

const describe = ({
  customer,
  suiteId,
  corpId,
  state,
  successTime,
  dueTime,
  claimedBy,
  failures,
  lastError,
}: DirectoryReading) => ({
  customer,
  suite: suiteId,
  corp: corpId,
  state,
  read: timeText(successTime),
  next: state === 'cancelled' ? '' : claimedBy !== null && dueTime > Date.now() ? 'now' : timeText(dueTime),
  failures,
  error: lastError,
})

/** Something would go that nobody said may go. */
const HELD_BACK = 2

async function reconcileByHand(options: ReconcileOptions, command: Command): Promise<void> {
  const configuration = await configurationFor(command)
  const platform = await openPlatform(configuration, commandLogger(configuration))
  const stopping = new AbortController()
  const stop = (signal: 'SIGINT' | 'SIGTERM') => stopping.abort(new Interrupted(signal))
  process.once('SIGINT', stop).once('SIGTERM', stop)
  const bar = createProgressBar({ label: options.corp, unit: 'read' })
  try {
    const corp = await corpNamed(platform, options)
    await recordChange(platform.database, command, `${corp.customer} ${corp.suiteId} ${corp.corpId}`)
    const reading = await reconcile(platform, corp, {
      signal: stopping.signal,
      onProgress: bar.update,
      ...(options.yes ? { confirmed: true } : {}),
    }).finally(() => bar.end())
    if (!reading)
      throw new CommandError(
        'READING_ELSEWHERE',
        'Another process reads this directory now, or the corp took its consent back. See: tributary wework corps',
      )
    const { departments, members, created, updated, deleted, missing, complete, heldBack } = reading
    if (options.json) printLine(JSON.stringify(reading))
    else
      printLine(`Read ${departments} departments and ${members} members: ${created} new, ${updated} changed, ${deleted} gone.`)
    if (!complete && missing > 0)
      printLine(`${missing} were not found, but a part of the directory is outside the visible range: nothing was deleted.`)
    if (!heldBack) return
    printLine(
      `${missing} were not found, more than a twentieth of the corp: nothing was deleted. Look at WeCom, then add --yes.`,
    )
    process.exitCode = HELD_BACK
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop)
    await platform.close()
  }
}

/** The one corp that is meant. Apps of a corp's own stand in the table only once a service ran, so the configuration counts, too. */
async function corpNamed({ database, configuration }: Platform, { corp, customer, suite }: ReconcileOptions) {
  const own = Object.entries(configuration.wework).flatMap(([name, { selfBuilt }]) =>
    Object.values(selfBuilt).map(({ corpId }) => ({ customer: name, suiteId: '', corpId })),
  )
  const found = new Map<string, { customer: string; suiteId: string; corpId: string }>()
  for (const { customer: name, suiteId, corpId } of [...(await listCorps(database)), ...own])
    if (corpId === corp && (customer ?? name) === name && (suite ?? suiteId) === suiteId)
      found.set(JSON.stringify([name, suiteId]), { customer: name, suiteId, corpId })
  const [only, ...others] = found.values()
  if (!only)
    throw new CommandError('CORP_UNKNOWN', `There is no corp '${corp}' that authorized a suite. See: tributary wework corps`)
  if (others.length > 0)
    throw new CommandError('CORP_AMBIGUOUS', 'Several customers or suites know this corp: add --customer and --suite.')
  return only
}
