import { Worker } from 'node:worker_threads'
import { decodeEvent, type Topic } from '@tributary/events'
import { findEvents } from '@tributary/history'
import {
  abortRebuild,
  HEAP_GROWTH_OF_REBUILD,
  isEnded,
  keyText,
  latestRebuild,
  type Projection,
  type RebuildOutcome,
  type RebuildState,
  rebuildKey,
  rebuildProjection,
  refuseHanging,
  requestOfRebuild,
  rollBackRebuild,
  type TableComparison,
} from '@tributary/projection'
import { codeOf, keepHeapSmall } from '@tributary/runtime'
import { Argument, type Command, Option } from 'commander'
import { parseCount, parseShare } from '../arguments.ts'
import { asks } from '../ask.ts'
import { commandLogger } from '../command-logger.ts'
import { CommandError } from '../failure.ts'
import { counted, printLine } from '../output.ts'
import { projectionNamed } from '../projections.ts'
import type { RebuildThreadData } from '../rebuild-thread.ts'
import { type LogAccess, withHistory } from '../setting-up.ts'
import { createRebuildBar } from './rebuild-bar.ts'
import { printDifferences } from './rebuild-differences.ts'
import { describePlan, planOf } from './rebuild-plan.ts'

/** Something differs and nobody said that it may. */
const DIFFERS = 2

type Options = {
  verifyOnly?: boolean
  pause?: boolean
  resume?: boolean
  abort?: boolean
  rollback?: boolean
  parallel: number
  share: number
  onlyKey?: string
  explainDiff?: boolean
  yes?: boolean
}

/** `tributary rebuild`: the tables of a projection made again from the log, without a reader noticing. */
export function addRebuildCommand(program: Command): void {
  program
    .command('rebuild')
    .description('make the tables of a projection again from the log and swap them in, without a reader noticing')
    .addArgument(new Argument('<projection>', 'which, for example orders; tributary projection status lists them'))
    .addOption(exclusive('--verify-only', 'build and compare, swap nothing, ask nothing; exit code 2 when something differs'))
    .addOption(exclusive('--pause', 'ask a rebuild that runs elsewhere to stop where it is'))
    .addOption(exclusive('--resume', 'go on with one that was paused, interrupted, or not accepted'))
    .addOption(exclusive('--abort', 'give up one that has not ended; what it built is removed'))
    .addOption(exclusive('--rollback', 'put the tables back that the last rebuild took out'))
    .option('--parallel <count>', 'partitions at once, each in a thread of its own', parseCount, 2)
    .option('--share <share>', 'of the time, how much each may work, so that live work goes on beside it', parseShare, 1)
    .addOption(exclusive('--only-key <key>', 'only the rows of one key, in the live tables, as `row why` shows it'))
    .option('--explain-diff', 'show the rows and columns that would change, before the swap')
    .option('--yes', 'ask nothing, also when rows differ')
    .action((name: string, options: Options, command: Command) =>
      withHistory(command, (access) => rebuild(access, projectionNamed(access.projections, name), options)),
    )
}

/** Options that each say what to do, so that no two of them go together but `--resume` and `--verify-only`. */
const EXCLUSIVE = ['verifyOnly', 'pause', 'resume', 'abort', 'rollback', 'onlyKey']

function exclusive(flags: string, description: string): Option {
  const option = new Option(flags, description)
  const own = option.attributeName()
  const goesWith = { verifyOnly: 'resume', resume: 'verifyOnly' }[own]
  return option.conflicts(EXCLUSIVE.filter((other) => other !== own && other !== goesWith))
}

async function rebuild(access: LogAccess, projection: Projection, options: Options): Promise<void> {
  if (options.pause) return await pauseElsewhere(access, projection)
  if (options.abort) return await giveUp(access, projection)
  if (options.rollback) return await rollBack(access, projection, options)
  if (options.onlyKey !== undefined) return await rebuildOne(access, projection, options.onlyKey)
  const latest = await latestRebuild(access.database, projection)
  const unfinished = latest && !isEnded(latest) ? latest : undefined
  if (unfinished?.state === 'rolling-back')
    throw new CommandError(
      'REBUILD_UNFINISHED',
      `A rollback of ${projection.name} was interrupted. Go on with it: tributary rebuild ${projection.name} --rollback`,
    )
  if (unfinished && !options.resume)
    throw new CommandError(
      'REBUILD_UNFINISHED',
      `A rebuild of ${projection.name} to generation ${unfinished.generation} is ${unfinished.state}. Add --resume to go on, or --abort.`,
    )
  if (!unfinished && options.resume)
    throw new CommandError(
      'REBUILD_UNKNOWN',
      `No rebuild of ${projection.name} waits to go on: ${latest ? `the last, to generation ${latest.generation}, is ${latest.state}` : 'there was none yet'}. Leave --resume away to begin one.`,
    )
  printLine(describePlan(await planOf(access, projection, options)))
  if (!options.verifyOnly) {
    await refuseHanging(access.database, projection)
    await confirm('Begin?', options)
  }
  await report(access, projection, await run(access, projection, options), options)
}

async function run(access: LogAccess, projection: Projection, options: Options): Promise<RebuildOutcome> {
  keepHeapSmall(HEAP_GROWTH_OF_REBUILD)
  const logger = commandLogger(access.configuration)
  const bar = createRebuildBar(projection.name)
  const accept = async (comparisons: TableComparison[]): Promise<boolean> => {
    bar.end()
    printComparisons(comparisons)
    if (options.explainDiff) printDifferences(access, comparisons)
    if (options.verifyOnly) return false
    return comparisons.every(({ differing }) => differing === 0) || options.yes === true || (await asks('Swap all the same?'))
  }
  const workerData: RebuildThreadData = { projection: projection.name, configuration: access.configuration }
  const startThread = () => new Worker(new URL('../rebuild-thread.ts', import.meta.url), { workerData })
  const { parallel, share } = options
  const pace = { parallel, share }
  try {
    return await rebuildProjection({ ...access, projection, logger, pace, startThread, onEvent: bar.hear, accept })
  } finally {
    bar.end()
  }
}

async function report(access: LogAccess, projection: Projection, outcome: RebuildOutcome, options: Options): Promise<void> {
  const { name } = projection
  if (outcome.kind === 'done') {
    const { generation } = outcome
    printLine(`${name} is at generation ${generation}. ${toldTimes(outcome)}${outcome.isNewVersion ? '.' : ' and goes on.'}`)
    if (outcome.isNewVersion)
      printLine('Projectors of an older release stand aside from now on; those of this one apply what comes: start them.')
    printLine(`The tables before stay until the next rebuild: tributary rebuild ${name} --rollback`)
    return
  }
  if (outcome.kind === 'finished') return printLine(finished(name, outcome.state))
  if (outcome.kind === 'paused' || outcome.kind === 'aborted') {
    // Somebody else asked for that: whoever waits for this command to swap or to compare must not take it for done.
    process.exitCode = 1
    return printLine(
      outcome.kind === 'paused'
        ? `Paused. Go on with: tributary rebuild ${name} --resume`
        : 'Aborted by another command; what was built is removed.',
    )
  }
  const differs = outcome.comparisons.some(({ differing }) => differing > 0)
  if (differs) process.exitCode = DIFFERS
  if (!options.verifyOnly)
    return printLine(
      `Nothing was swapped. To swap all the same: tributary rebuild ${name} --resume --yes; to give it up: --abort`,
    )
  await abortRebuild({ ...access, projection })
  printLine(differs ? 'The tables are not what the log says.' : 'The tables are what the log says.')
}

const toldTimes = (times: { renameMilliseconds: number; fencedMilliseconds: number }): string =>
  `The rename took ${times.renameMilliseconds.toFixed(1)} ms; the projector stood still for ${times.fencedMilliseconds.toFixed(0)} ms`

/** Of a rebuild that was found behind its rename. */
const finished = (name: string, state: RebuildState): string =>
  state === 'done'
    ? `The tables of ${name} had been swapped already; the rebuild is done now. To go back: tributary rebuild ${name} --rollback`
    : `The tables of ${name} had been put back already; the rollback is done now.`

async function pauseElsewhere({ database }: LogAccess, projection: Projection): Promise<void> {
  const answer = await requestOfRebuild(database, projection, 'pause')
  if (answer === 'asked') return printLine('Asked to pause; it shows in: tributary projection status')
  throw notAsked(projection, answer)
}

async function giveUp({ database }: LogAccess, projection: Projection): Promise<void> {
  try {
    const ended = await abortRebuild({ database, projection })
    if (ended === 'aborted') return printLine('Aborted; what was built is removed.')
    throw ended ? new CommandError('REBUILD_ENDED', finished(projection.name, ended)) : notAsked(projection, 'unknown')
  } catch (error) {
    if (codeOf(error) !== 'PROJECTION_REBUILD_REFUSED') throw error
  }
  const answer = await requestOfRebuild(database, projection, 'abort')
  if (answer === 'asked')
    return printLine('Another process runs it and was asked to abort; it shows in: tributary projection status')
  throw notAsked(projection, answer)
}

function notAsked({ name }: Projection, why: 'unknown' | 'rolling-back' | 'idle'): CommandError {
  switch (why) {
    case 'unknown':
      return new CommandError('REBUILD_UNKNOWN', `No rebuild of ${name} is under way.`)
    case 'rolling-back':
      return new CommandError('REBUILD_ENDED', `The rebuild of ${name} is being rolled back, which ends by itself.`)
    case 'idle':
      return new CommandError(
        'REBUILD_IDLE',
        `Nobody runs the rebuild of ${name}: it stands where it is. Go on with: tributary rebuild ${name} --resume; give it up with: --abort`,
      )
  }
}

async function rollBack(access: LogAccess, projection: Projection, options: Options): Promise<void> {
  printLine(
    `The tables of ${projection.name} from before the last rebuild come back; the projector then applies to them what came since.`,
  )
  await confirm('Roll back?', options)
  const { generation, times } = await rollBackRebuild({
    ...access,
    projection,
    onEvent: (event) => {
      if (event.kind === 'swap-blocked') process.stderr.write(`${event.message}\n`)
    },
  })
  const { name } = projection
  printLine(`${name} is at generation ${generation} again.${times ? ` ${toldTimes(times)}.` : ''}`)
  printLine(`What came since the rebuild is applied now: tributary projection status ${name}`)
}

async function rebuildOne(access: LogAccess, projection: Projection, key: string): Promise<void> {
  const find = () =>
    findEvents(
      access,
      projection.topic as Topic,
      { kind: 'rows', projection: projection.name, key },
      {
        matches: ({ event }) => {
          if (!(projection.types as readonly string[]).includes(event.type)) return false
          const cells = projection.key(decodeEvent(event))
          return cells !== undefined && keyText(cells) === key
        },
      },
    )
  const { events, written, unexplained } = await rebuildKey({ ...access, projection, find })
  if (events === 0)
    throw new CommandError(
      'KEY_UNKNOWN',
      `The log has no events of ${projection.name} with the key '${key}'. See: tributary row why`,
    )
  const rows = Object.entries(written).map(([table, count]) => `${count} of ${table}`)
  printLine(
    `${counted(events, 'event')} of ${key}: ${rows.length === 0 ? 'every row was right' : `rows made right: ${rows.join(', ')}`}.`,
  )
  for (const { table, id } of unexplained)
    printLine(`  ${table} ${id} belongs to the key and no event explains it; it was left.`)
}

async function confirm(question: string, { yes }: Options): Promise<void> {
  if (yes || (await asks(question))) return
  throw new CommandError('NOT_CONFIRMED', 'Nothing was done. Add --yes to answer yes beforehand.')
}

function printComparisons(comparisons: readonly TableComparison[]): void {
  for (const { table, rows, differing } of comparisons)
    printLine(
      `${table}: ${rows.live} rows live, ${rows.rebuilt} rebuilt, ${differing === 0 ? 'all equal' : `${differing} differ`}`,
    )
}
