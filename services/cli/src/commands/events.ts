import { type EventLog, type Position, type RecordedEvent, readSlices } from '@tributary/event-log'
import { CATALOGUE, CONTACT_TOPIC, isEventType, ORDER_TOPIC, type Topic, topicOf } from '@tributary/events'
import {
  findEvents,
  INDEXED_TOPICS,
  type Lookup,
  openSealedParts,
  positionAt,
  readPlaces,
  recordAccess,
} from '@tributary/history'
import { pause } from '@tributary/runtime'
import { type Command, Option } from 'commander'
import { parseCount, parseOrder, parseSeller, parseTime } from '../arguments.ts'
import { CommandError, Interrupted, UsageError } from '../failure.ts'
import { operatorName } from '../operator-name.ts'
import { printLine, printRows } from '../output.ts'
import { type LogAccess, withHistory } from '../setting-up.ts'
import { memberLookups } from './find-member.ts'

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
/** Milliseconds between two looks at the end of the log. */
const LOOK_EVERY = 250
const BATCH = 500

/** `tributary events tail|show|find`: the log as it is, read-only. */
export function addEventCommands(program: Command): void {
  const events = program.command('events').description('the events of the log; nothing here changes any')
  events
    .command('tail')
    .description('the last events, and with --follow those that come, until Ctrl-C')
    .addOption(topicOption())
    .option('--last <count>', 'how many of each partition to begin with', parseCount, 5)
    .addOption(typeOption())
    .option('--follow', 'go on with what comes')
    .option('--json', 'one whole event a line, sealed parts sealed')
    .action((options, command: Command) =>
      withHistory(command, (access) => tail(access, options).catch((error: unknown) => endOfFollowing(error, options))),
    )
  events
    .command('find')
    .description('the events of one order, seller, member or key, or of a span of time, in log order')
    .addOption(topicOption())
    .option('--order <channel:seller:order>', "for example 1:some_seller:12-34567-89012; ids as the marketplace's", parseOrder)
    .option('--seller <channel:seller>', 'what concerns the seller itself, not its orders', parseSeller)
    .option('--member <id>', 'what concerns a member of WeCom, by its UserID, upper and lower case told apart')
    .option('--corp <id>', 'with --member: only in this corp, also in one that is not configured')
    .option('--key <key>', 'a partition key as events show it, for example a corp id')
    .option('--since <time>', 'taken by the log at this time or later, ISO 8601 or milliseconds', parseTime)
    .option('--until <time>', 'taken before this time', parseTime)
    .addOption(typeOption())
    .option('--limit <count>', 'at most so many', parseCount, 100)
    .option('--json', 'one whole event a line, sealed parts sealed')
    .action((options: FindOptions, command: Command) => {
      refuseNothing(options)
      return withHistory(command, (access) => find(access, options))
    })
  events
    .command('show')
    .description('one event, whole')
    .argument('<event>', 'its id, or topic/partition/position as lists show it')
    .option('--open', 'open what is sealed; that you did is recorded in tributary_audit')
    .action((event: string, options, command: Command) => withHistory(command, (access) => show(access, event, options)))
}

const topicOption = () =>
  new Option('--topic <topic>', 'which topic').choices([ORDER_TOPIC, CONTACT_TOPIC]).default(ORDER_TOPIC)

const typeOption = () => new Option('--type <type>', 'only events of this type').choices(Object.keys(CATALOGUE))

type ListOptions = { topic: Topic; type?: string; json?: boolean }

async function tail({ log, signal }: LogAccess, options: ListOptions & { last: number; follow?: boolean }): Promise<void> {
  const { topic, last, follow, type } = options
  let ends = await log.ends(topic)
  let starts = ends.map((end) => Math.max(0, end - last))
  for (;;) {
    const events = await eventsBetween(log, topic, { starts, ends, signal })
    const wanted = events.filter(({ event }) => type === undefined || event.type === type)
    if (wanted.length > 0 || !follow) print(wanted, options)
    if (!follow) return
    await pause(LOOK_EVERY, signal)
    if (signal.aborted) return
    starts = ends
    ends = await log.ends(topic)
  }
}

/** Whoever follows says when it is enough; that is no failure. */
function endOfFollowing(error: unknown, { follow }: { follow?: boolean }): void {
  if (!follow || !(error instanceof Interrupted)) throw error
}

/** The events of every partition from its start to its end, by the time that the log took them. */
async function eventsBetween(
  log: EventLog,
  topic: Topic,
  { starts, ends, signal }: { starts: readonly Position[]; ends: readonly Position[]; signal: AbortSignal },
): Promise<RecordedEvent[]> {
  const found: RecordedEvent[] = []
  for (const [partition, to] of ends.entries())
    for await (const { events } of readSlices(log, topic, partition, {
      from: starts[partition] ?? 0,
      to,
      limit: BATCH,
      signal,
    }))
      found.push(...events.filter(({ position }) => position < to))
  return found.sort((one, other) => one.recordedTime - other.recordedTime)
}

type FindOptions = ListOptions & {
  /** These three as partition keys. */
  order?: string
  seller?: string
  key?: string
  member?: string
  corp?: string
  since?: number
  until?: number
  limit: number
}

function refuseNothing({ order, seller, key, member, since }: FindOptions): void {
  if ([order, seller, key, member, since].some((given) => given !== undefined)) return
  throw new UsageError(
    'FIND_WHAT',
    'Say what to find: --order, --seller, --member, --key, or --since. See: tributary events find --help',
  )
}

async function find(access: LogAccess, options: FindOptions): Promise<void> {
  const { since = 0, until = Number.POSITIVE_INFINITY, limit, type } = options
  const key = options.order ?? options.seller ?? options.key
  const isWanted = ({ recordedTime, event }: RecordedEvent) =>
    recordedTime >= since && recordedTime < until && (type === undefined || event.type === type)
  const wanted = await findAll(access, options, key, isWanted)
  print(wanted.slice(0, limit), options)
  if (wanted.length > limit) note('There are more; see --limit and --since.')
}

async function findAll(
  access: LogAccess,
  options: FindOptions,
  key: string | undefined,
  isWanted: (event: RecordedEvent) => boolean,
): Promise<RecordedEvent[]> {
  // One beyond the limit tells that there are more; a corp may have a million.
  const most = options.limit + 1
  if (options.member !== undefined) {
    const { lookups, matches } = await memberLookups(access, options.member, options.corp)
    const isOfMember = (event: RecordedEvent) => isWanted(event) && matches(event)
    return lookups.length === 0 ? [] : await findByLookup(access, CONTACT_TOPIC, lookups, isOfMember, most)
  }
  if (key === undefined) return await findByTime(access, options, isWanted)
  const isOfKey = (recorded: RecordedEvent) => recorded.event.partitionkey === key && isWanted(recorded)
  return await findByLookup(access, options.topic, { kind: 'key', key }, isOfKey, most)
}

/** The oldest of a span: reads each partition from there until enough are found. */
async function findByTime(
  { log, signal }: LogAccess,
  { topic, since = 0, until = Number.POSITIVE_INFINITY, limit }: FindOptions,
  isWanted: (event: RecordedEvent) => boolean,
): Promise<RecordedEvent[]> {
  let found: RecordedEvent[] = []
  for (const [partition, end] of (await log.ends(topic)).entries()) {
    const ofPartition: RecordedEvent[] = []
    const from = await positionAt(log, topic, partition, end, since)
    for await (const { events } of readSlices(log, topic, partition, { from, to: end, limit: BATCH, signal })) {
      ofPartition.push(...events.filter(isWanted))
      const lastTime = events.at(-1)?.recordedTime ?? Number.POSITIVE_INFINITY
      if (lastTime >= until || ofPartition.length > limit) break
    }
    found = found.concat(ofPartition)
  }
  return found.sort((one, other) => one.recordedTime - other.recordedTime)
}

/** The events of one topic that a look-up means; says so when the index is behind. */
export function findByLookup(
  access: LogAccess,
  topic: Topic,
  lookup: Lookup | readonly Lookup[],
  matches: (event: RecordedEvent) => boolean,
  most?: number,
): Promise<RecordedEvent[]> {
  return findEvents(access, topic, lookup, {
    matches,
    ...(most === undefined ? {} : { most }),
    onWalk: (events) => {
      if (events > BATCH) note(`The index has not come to the last ${events} events; walking through them.`)
    },
  })
}

async function show(access: LogAccess, name: string, { open }: { open?: boolean }): Promise<void> {
  const recorded = await locate(access, name)
  const { event, ...place } = recorded
  let data = JSON.parse(event.data)
  if (open) {
    const target = `${place.topic}/${place.partition}/${place.position}`
    await recordAccess(access.database, { actor: operatorName(), action: 'events show --open', target })
    data = await openSealedParts(access.vault, data)
  }
  printLine(JSON.stringify({ ...place, recordedTime: new Date(place.recordedTime).toISOString(), ...event, data }, null, 2))
}

/**
 * The event of an id, of a `webhook-id`, or of a place as lists show it. Throws CommandError EVENT_UNKNOWN, UsageError EVENT_NAME.
 */
export async function locate(access: LogAccess, name: string): Promise<RecordedEvent> {
  const id = name.replace(/^(msg|evt)_/, '').toLowerCase()
  if (UUID.test(id)) {
    for (const topic of INDEXED_TOPICS) {
      const [found] = await findByLookup(access, topic, { kind: 'id', id }, ({ event }) => event.id === id)
      if (found) return found
    }
    throw new CommandError('EVENT_UNKNOWN', `No event has the id ${id}.`)
  }
  const [topic = '', partition, position] = name.split('/')
  const place = { partition: Number(partition), position: Number(position) }
  if (
    !INDEXED_TOPICS.includes(topic as Topic) ||
    !Number.isSafeInteger(place.partition) ||
    !Number.isSafeInteger(place.position)
  )
    throw new UsageError('EVENT_NAME', `Give an event id, or topic/partition/position, for example ${ORDER_TOPIC}/0/17.`)
  const [found] = await readPlaces(access.log, topic, [place])
  if (found) return found
  throw new CommandError('EVENT_UNKNOWN', `There is no event at ${name}.`)
}

function print(events: readonly RecordedEvent[], { json }: ListOptions): void {
  if (json) {
    for (const { event, ...place } of events) printLine(JSON.stringify({ ...place, ...event, data: JSON.parse(event.data) }))
    return
  }
  printRows(events.map(rowOf), {})
}

function rowOf({ topic, partition, position, recordedTime, event }: RecordedEvent): Record<string, unknown> {
  return {
    recorded: new Date(recordedTime).toISOString(),
    place: `${topic}/${partition}/${position}`,
    type: isEventType(event.type) && topicOf(event.type) === topic ? event.type : `${event.type} (unknown)`,
    subject: event.subject,
    id: event.id,
  }
}

function note(text: string): void {
  process.stderr.write(`${text}\n`)
}
