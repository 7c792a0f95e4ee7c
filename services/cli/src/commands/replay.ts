import { beginReplay, type PartitionReplay } from '@tributary/delivery'
import { type AskedRange, countAskedReplay, type KnownEndpoint, planAskedReplay, type ReplayPlace } from '@tributary/dispatcher'
import type { RecordedEvent } from '@tributary/event-log'
import { type Command, InvalidArgumentError } from 'commander'
import { parsePosition, parseTime } from '../arguments.ts'
import { asks } from '../ask.ts'
import { CommandError } from '../failure.ts'
import { knownEndpoint } from '../known-endpoints.ts'
import { operatorName } from '../operator-name.ts'
import { counted, printLine } from '../output.ts'
import { createProgressBar, duration } from '../progress-bar.ts'
import { type LogAccess, withHistory } from '../setting-up.ts'
import { recordChange } from '../what-commands-do.ts'
import { watchReplay } from './replay-watch.ts'

type Options = AskedRange & { dryRun?: boolean; yes?: boolean; json?: boolean }

/** `tributary replay`: deliver again what an endpoint had before. */
export function addReplayCommand(program: Command): void {
  program
    .command('replay')
    .description('deliver again, in the order of the log, what an endpoint had before; live events wait behind it')
    .argument('<endpoint>', 'as `endpoint list` shows it')
    .requiredOption('--from <time|position>', 'ISO 8601 time, or a position, which counts in every partition', parsePlace)
    .option('--to <time|position>', 'before this; default: to where the endpoint stands', parsePlace)
    .option('--key <key>', 'only events of this partition key, as `events find` shows it')
    .option('--dry-run', 'only tell what would be sent')
    .option('--yes', 'ask nothing')
    .option('--json', 'the figures as JSON')
    .action((name: string, options: Options, command: Command) =>
      withHistory(command, (access) => replay(access, command, name, options)),
    )
}

function parsePlace(text: string): ReplayPlace {
  if (/^\d{1,11}$/.test(text)) return { kind: 'position', position: parsePosition(text) }
  try {
    return { kind: 'time', time: parseTime(text) }
  } catch {
    throw new InvalidArgumentError('Give a time, for example 2026-11-27T09:30:00Z, or a position, for example 0.')
  }
}

async function replay(access: LogAccess, command: Command, name: string, options: Options): Promise<void> {
  const endpoint = await knownEndpoint(access.database, access.configuration, name)
  const plan = await planAskedReplay(access, endpoint, options)
  if (plan.length === 0)
    throw new CommandError('REPLAY_EMPTY', `${name} has had nothing in that range. What it has not had yet comes by itself.`)
  const figures = await figuresOf(access, endpoint, plan)
  printLine(options.json ? JSON.stringify(figures) : describe(figures))
  if (options.dryRun) return
  if (figures.events === 0) throw new CommandError('REPLAY_EMPTY', `Nothing in that range is for ${name}; nothing was done.`)
  await confirm(options)
  await access.database.transaction(async (connection) => {
    await beginReplay(connection, { endpoint: name, topic: endpoint.topic, plan, by: operatorName() })
    await recordChange(connection, command, options.key === undefined ? name : `${name} ${options.key}`)
  })
  await watchReplay(access, name)
}

type Figures = {
  endpoint: string
  events: number
  bytes: number
  first: Found | null
  last: Found | null
  /** At the pace of its latest deliveries; null when it has had none. */
  seconds: number | null
}
type Found = { time: string; place: string; id: string }

async function figuresOf(access: LogAccess, endpoint: KnownEndpoint, plan: readonly PartitionReplay[]): Promise<Figures> {
  const total = plan.reduce((sum, { from, to }) => sum + to - from, 0)
  const bar = createProgressBar({ label: 'reading the log', unit: 'events' })
  const { first, last, ...count } = await countAskedReplay(access, endpoint, plan, {
    onRead: (done) => bar.update({ done, total }),
    signal: access.signal,
  })
  bar.end()
  return { endpoint: endpoint.name, ...count, first: foundOf(first), last: foundOf(last) }
}

const foundOf = (recorded: RecordedEvent | undefined): Found | null =>
  recorded
    ? {
        time: new Date(recorded.recordedTime).toISOString(),
        place: `${recorded.topic}/${recorded.partition}/${recorded.position}`,
        id: recorded.event.id,
      }
    : null

function describe({ endpoint, events, bytes, first, last, seconds }: Figures): string {
  const lines = [`${endpoint} would get ${counted(events, 'event')} again, ${counted(bytes, 'byte')} as the log holds them.`]
  if (first && last) lines.push(`first  ${first.time}  ${first.place}`, `last   ${last.time}  ${last.place}`)
  lines.push(
    seconds === null
      ? 'It has had no delivery yet that would tell how long that takes.'
      : `At the pace of its latest deliveries that takes ${duration(seconds)}; live events wait behind it so long.`,
  )
  return lines.join('\n')
}

async function confirm({ yes }: Options): Promise<void> {
  if (yes) return
  if (!process.stdin.isTTY) throw new CommandError('REPLAY_CONFIRM', 'Add --yes to begin, or --dry-run to only look.')
  if (!(await asks('Begin?'))) throw new CommandError('REPLAY_CONFIRM', 'Nothing was done.')
}
