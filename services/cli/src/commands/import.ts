import { readCursors } from '@tributary/consumer'
import { leaseRowIdWorker } from '@tributary/database'
import { createRowIds } from '@tributary/events'
import {
  type Comparison,
  compareWithSource,
  IMPORT_KINDS,
  type ImportKind,
  type ImportReport,
  importRows,
  TOPIC_OF_KIND,
  type WeworkImport,
} from '@tributary/history'
import { pause } from '@tributary/runtime'
import { Argument, type Command } from 'commander'
import { commandLogger } from '../command-logger.ts'
import { CommandError, UsageError } from '../failure.ts'
import { printLine } from '../output.ts'
import { createProgressBar } from '../progress-bar.ts'
import { readSecret } from '../secret-input.ts'
import { type LogAccess, withHistory } from '../setting-up.ts'
import { placeOf, weworkImport } from './import-wework.ts'

const LOOK_EVERY = 250
/** Milliseconds without any progress after which nobody seems to project. */
const PATIENCE = 30_000

type Options = { from?: string; fromFile?: string; corp?: string; verifyOnly?: boolean; json?: boolean }

/** `tributary import`: rows of an existing system become events that carry their ids. */
export function addImportCommand(program: Command): void {
  program
    .command('import')
    .description(
      'turn the rows of an existing system into events that carry the ids those rows have, then compare; exit code 1 when a row differs',
    )
    .addArgument(new Argument('<what>', 'sellers first, then orders; wework by itself').choices(IMPORT_KINDS))
    .option('--from <url>', 'mysql://user@host:port/database of the existing system; it is only read')
    .option('--from-file <file>', 'a file that holds the address, because it has a password; - is standard input')
    .option('--corp <id>', 'of wework: whose directory it is, where several are kept')
    .option('--verify-only', 'append nothing, only compare')
    .option('--json', 'the report as one JSON object')
    .action(async (kind: ImportKind, options: Options, command: Command) => {
      const from = await sourceOf(options)
      await withHistory(command, async (access) => {
        const comparisons = await importAndCompare(access, { kind, from }, options)
        if (comparisons.some(({ rows, equal }) => equal < rows)) process.exitCode = 1
      })
    })
}

async function importAndCompare(
  access: LogAccess,
  { kind, from }: { kind: ImportKind; from: string },
  options: Options,
): Promise<Comparison[]> {
  const wework = kind === 'wework' ? await weworkImport(access, options.corp) : undefined
  const report = options.verifyOnly ? undefined : await runImport(access, { kind, from, ...(wework ? { wework } : {}) })
  if (report && !options.json) printReport(report)
  const here = wework ? placeOf(wework) : (table: string) => table
  for (const projection of projectionsOf(access, kind, here)) await untilProjected(access, kind, projection)
  const comparisons = await compareWithSource({ kind, from, ...access, here })
  if (options.json) printLine(JSON.stringify({ ...report, comparisons }))
  else for (const comparison of comparisons) printComparison(comparison)
  return comparisons
}

async function sourceOf({ from, fromFile }: Options): Promise<string> {
  if (from !== undefined) return from
  if (fromFile !== undefined) return await readSecret(fromFile)
  throw new UsageError('IMPORT_FROM', 'Say where the existing system is: --from or --from-file. See: tributary import --help')
}

/** The projections whose tables are compared. */
function projectionsOf({ projections }: LogAccess, kind: ImportKind, here: (table: string) => string): string[] {
  if (kind !== 'wework') return [kind]
  const tables = ['eg_wework_member', 'eg_wework_event_member'].map(here)
  return projections.filter((one) => one.tables.some(({ name }) => tables.includes(name))).map(({ name }) => name)
}

type Wanted = { kind: ImportKind; from: string; wework?: WeworkImport }

async function runImport(access: LogAccess, wanted: Wanted): Promise<ImportReport> {
  const { database, log, vault, signal, configuration } = access
  const worker = await leaseRowIdWorker(database, { logger: commandLogger(configuration) })
  const bar = createProgressBar({ label: `import ${wanted.kind}`, unit: 'rows' })
  try {
    const rowIds = createRowIds(worker)
    return await importRows({ ...wanted, database, log, vault, rowIds, signal, onProgress: bar.update })
  } finally {
    bar.end()
    await worker.release()
  }
}

/** Waits until the projection has come to where the log ends now. */
async function untilProjected({ database, log, signal }: LogAccess, kind: ImportKind, projection: string): Promise<void> {
  const topic = TOPIC_OF_KIND[kind]
  const ends = await log.ends(topic)
  const total = ends.reduce((sum, end) => sum + end, 0)
  const bar = createProgressBar({ label: `project ${projection}`, unit: 'events' })
  let best = -1
  let bestTime = Date.now()
  try {
    while (!signal.aborted) {
      const cursors = await readCursors(database, projection, topic)
      const done = cursors.reduce((sum, { partition, next }) => sum + Math.min(next, ends[partition] ?? 0), 0)
      bar.update({ done, total })
      if (done >= total) return
      if (done > best) [best, bestTime] = [done, Date.now()]
      if (Date.now() - bestTime > PATIENCE)
        throw new CommandError(
          'NOT_PROJECTED',
          `The projection of ${projection} stands still with ${total - done} events to go. Start a projector (tributary serve projector), then: tributary import ${kind} --verify-only …`,
        )
      await pause(LOOK_EVERY, signal)
    }
  } finally {
    bar.end()
  }
  signal.throwIfAborted()
}

function printReport({ rows, appended, misfits, examples }: ImportReport): void {
  const counts = Object.entries(rows).map(([table, count]) => `${count} of ${table}`)
  if (counts.length === 0) printLine('No row was left to take over; nothing is new.')
  else printLine(`Rows that are in the log: ${counts.join(', ')}; ${appended} events are new.`)
  for (const [reason, count] of Object.entries(misfits)) {
    const ids = examples.filter(({ table, reason: why }) => `${table}: ${why}` === reason).map(({ id }) => id)
    printLine(`  did not fit: ${count} × ${reason}; ids ${ids.slice(0, 10).join(', ')}${ids.length > 10 ? ', …' : ''}`)
  }
}

function printComparison({ table, rows, equal, missing, different, examples }: Comparison): void {
  const columns = Object.entries(different).map(([column, count]) => `${column} ${count}`)
  const notes = [
    ...(missing > 0 ? [`${missing} missing`] : []),
    ...(columns.length > 0 ? [`differing in ${columns.join(', ')}`] : []),
    ...(examples.length > 0 ? [`for example ids ${examples.slice(0, 10).join(', ')}`] : []),
  ]
  printLine(`${table}: ${equal} of ${rows} rows equal${notes.length > 0 ? `; ${notes.join('; ')}` : ''}`)
}
