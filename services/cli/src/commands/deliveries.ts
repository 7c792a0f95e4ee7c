import {
  type Delivery,
  type ListedDelivery,
  type ListedOutcome,
  type ListPlace,
  listDeliveries,
  OPEN_OUTCOMES,
  readListPlace,
  readStanding,
  retryDelivery,
  retryLanes,
  type Standing,
  skipHead,
  TRY_OUTCOMES,
  writeListPlace,
} from '@tributary/delivery'
import { listEndpoints } from '@tributary/dispatcher'
import type { RecordedEvent } from '@tributary/event-log'
import { ORDER_TOPIC, type Topic } from '@tributary/events'
import { INDEXED_TOPICS } from '@tributary/history'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { parseCount, parseOrder, parseTime } from '../arguments.ts'
import { CommandError } from '../failure.ts'
import { knownEndpoint } from '../known-endpoints.ts'
import { operatorName } from '../operator-name.ts'
import { noteMore, printLine, printRows } from '../output.ts'
import { type LogAccess, withHistory } from '../setting-up.ts'
import { recordChange } from '../what-commands-do.ts'
import { showDelivery } from './deliveries-show.ts'
import { verify } from './deliveries-verify.ts'
import { findByLookup, locate } from './events.ts'

/** `tributary deliveries list|show|retry|skip|verify`: what endpoints got, what they did not take, and what to do about it. */
export function addDeliveryCommands(program: Command): void {
  const deliveries = program
    .command('deliveries')
    .description(
      'what endpoints got and did not take: tries, keys in trouble (retried on a schedule, then blocked), dead letters',
    )
  deliveries
    .command('list')
    .description('single tries, the newest first; or with --outcome retrying, blocked or given-up what is not delivered')
    .option('--endpoint <name>', 'only this endpoint, as `endpoint list` shows it')
    .addOption(
      new Option('--outcome <outcome>', 'tries that ended so, or deliveries that stand so').choices([
        ...TRY_OUTCOMES,
        ...OPEN_OUTCOMES,
      ]),
    )
    .option('--order <channel:seller:order>', "only this order, ids as the marketplace's", parseOrder)
    .option('--key <key>', 'only events of this partition key, as `events find` shows it')
    .option('--since <time>', 'begun at this time or later, ISO 8601 or milliseconds', parseTime)
    .option('--until <time>', 'begun before this time', parseTime)
    .option('--limit <count>', 'at most so many', parseCount, 100)
    .option('--cursor <text>', 'go on behind a row: its `cursor`, which --json shows and the end of a full list', parseCursor)
    .option('--json', 'one JSON object a line')
    .action((options: ListOptions, command: Command) => withHistory(command, (access) => list(access, options)))
  deliveries
    .command('show')
    .description('one event at every endpoint: where it stands, and each try with the answer')
    .argument('<event>', 'its id, a webhook-id, or topic/partition/position as lists show it')
    .option('--json', 'one JSON object')
    .action((event: string, options, command: Command) =>
      withHistory(command, (access) => showDelivery(access, event, options)),
    )
  deliveries
    .command('retry')
    .description('try again now: keys that are blocked or wait for their next try, or one delivery that was given up')
    .argument('<endpoint>', 'as `endpoint list` shows it')
    .argument('[event]', 'only this one: its id, a webhook-id, or topic/partition/position')
    .option('--key <key>', 'only this key, as `deliveries list --outcome blocked` shows it')
    .action((endpoint: string, event: string | undefined, { key }: { key?: string }, command: Command) =>
      withHistory(command, (access) =>
        event === undefined ? retryKeys(access, command, endpoint, key) : retryOne(access, command, endpoint, event),
      ),
    )
  deliveries
    .command('skip')
    .description('give one delivery up that holds up its key; it becomes a dead letter, and what waits behind it goes on')
    .argument('<endpoint>', 'as `endpoint list` shows it')
    .argument('<event>', 'its id, a webhook-id, or topic/partition/position')
    .requiredOption('--reason <text>', 'for those who look at it later; kept with the dead letter')
    .action((endpoint: string, event: string, { reason }: { reason: string }, command: Command) =>
      withHistory(command, (access) => skip(access, command, endpoint, event, reason)),
    )
  deliveries
    .command('verify')
    .description(
      'check that every event that was for an endpoint when it passed was delivered, was given up, waits, or is still to come; exit code 1 if not',
    )
    .option('--endpoint <name>', 'only this endpoint; default: all')
    .option('--since <time>', 'taken by the log at this time or later; default: as long as attempts are kept', parseTime)
    .option('--until <time>', 'taken before this time', parseTime)
    .option('--json', 'one JSON object')
    .action((options, command: Command) => withHistory(command, (access) => verify(access, options)))
}

type ListOptions = {
  endpoint?: string
  outcome?: ListedOutcome
  /** As a partition key. */
  order?: string
  key?: string
  since?: number
  until?: number
  limit: number
  cursor?: ListPlace
  json?: boolean
}

async function list(access: LogAccess, options: ListOptions): Promise<void> {
  const { database, configuration } = access
  const { endpoint, outcome, since, until, limit, cursor } = options
  const endpoints = endpoint
    ? [await knownEndpoint(database, configuration, endpoint)]
    : await listEndpoints({ database, configuration })
  const key = options.order ?? options.key
  const events = key === undefined ? undefined : await placesOf(access, key, options.order !== undefined)
  const found = await listDeliveries(database, {
    endpoints: endpoints.map(({ name }) => name),
    limit,
    ...(outcome === undefined ? {} : { outcome }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(events === undefined ? {} : { events }),
    ...(cursor === undefined ? {} : { after: cursor }),
  })
  printRows(found.map(rowFor(options)), options)
  noteMore(found.map(writeListPlace), options)
}

/** Where the events of a key stand. A key may be in each topic; an order is in one. */
async function placesOf(access: LogAccess, key: string, isOrder: boolean): Promise<RecordedEvent[]> {
  const topics: readonly Topic[] = isOrder ? [ORDER_TOPIC] : INDEXED_TOPICS
  const found = topics.map((topic) =>
    findByLookup(access, topic, { kind: 'key', key }, ({ event }) => event.partitionkey === key),
  )
  return (await Promise.all(found)).flat()
}

function rowFor({ json, outcome }: ListOptions): (row: ListedDelivery) => Record<string, unknown> {
  if (json) return jsonOf
  return OPEN_OUTCOMES.some((one) => one === outcome) ? openRow : tryRow
}

const iso = (time: number | null): string => (time === null ? '' : new Date(time).toISOString())
const placeOf = ({ topic, partition, position }: Omit<Delivery, 'endpoint'>): string => `${topic}/${partition}/${position}`

const tryRow = (row: ListedDelivery) => {
  const { endpoint, outcome, reason, attempt, status, durationMs } = row
  return { time: iso(row.time), endpoint, place: placeOf(row), attempt, outcome, reason, status, ms: durationMs }
}

const openRow = (row: ListedDelivery) => {
  const { endpoint, outcome, reason, attempt, key, waiting } = row
  return {
    since: iso(row.time),
    endpoint,
    place: placeOf(row),
    key,
    outcome,
    reason,
    tries: attempt,
    next: iso(row.nextTime),
    waiting,
  }
}

const jsonOf = ({ time, nextTime, ...row }: ListedDelivery) => ({
  ...row,
  place: placeOf(row),
  time: iso(time),
  next: nextTime === null ? null : iso(nextTime),
  cursor: writeListPlace({ ...row, time }),
})

function parseCursor(text: string): ListPlace {
  const place = readListPlace(text)
  if (place) return place
  throw new InvalidArgumentError('Give the cursor of a row as the list before showed it.')
}

async function retryKeys(
  { database, configuration }: LogAccess,
  command: Command,
  endpoint: string,
  key: string | undefined,
): Promise<void> {
  await knownEndpoint(database, configuration, endpoint)
  const retried = await database.transaction(async (connection) => {
    const count = await retryLanes(connection, endpoint, key === undefined ? {} : { key })
    if (count === 0)
      throw new CommandError(
        'DELIVERY_NOT_WAITING',
        'No such key is blocked or waits for its next try. See: tributary deliveries list --outcome blocked',
      )
    await recordChange(connection, command, key === undefined ? endpoint : `${endpoint} ${key}`)
    return count
  })
  printLine(`${retried === 1 ? 'One key is' : `${retried} keys are`} tried again within seconds.`)
}

async function retryOne(access: LogAccess, command: Command, endpoint: string, name: string): Promise<void> {
  const { delivery, event } = await locateDelivery(access, endpoint, name)
  const asked = { partitionKey: event.event.partitionkey, by: operatorName() }
  await access.database.transaction(async (connection) => {
    if (!(await retryDelivery(connection, delivery, asked))) throw await refusal(access, delivery, 'tried again')
    await recordChange(connection, command, `${endpoint} ${placeOf(delivery)}`)
  })
  printLine(`${placeOf(delivery)} is tried again within seconds. See: tributary deliveries show ${placeOf(delivery)}`)
}

async function skip(access: LogAccess, command: Command, endpoint: string, name: string, reason: string): Promise<void> {
  const { delivery } = await locateDelivery(access, endpoint, name)
  await access.database.transaction(async (connection) => {
    if (!(await skipHead(connection, delivery, reason))) throw await refusal(access, delivery, 'skipped')
    await recordChange(connection, command, `${endpoint} ${placeOf(delivery)}`)
  })
  printLine(`${placeOf(delivery)} is given up within seconds, and what waits behind it goes on.`)
}

async function locateDelivery(access: LogAccess, endpoint: string, name: string) {
  const { topic } = await knownEndpoint(access.database, access.configuration, endpoint)
  const event = await locate(access, name)
  if (event.topic !== topic)
    throw new CommandError('DELIVERY_UNKNOWN', `${endpoint} gets events of ${topic}, and ${placeOf(event)} is none.`)
  const { partition, position } = event
  return { event, delivery: { endpoint, topic, partition, position } }
}

const WHY: Record<Standing, string> = {
  delivered: 'it was delivered. To deliver it once more: tributary replay',
  retrying: 'it is being tried just now',
  blocked: 'it was blocked just now; try again',
  skipped: 'somebody skipped it just now',
  waiting: 'it waits behind another event of its key, which is the one to look at: tributary deliveries list --outcome blocked',
  parked: 'it cannot be rendered, and its key is parked: tributary parked list',
  'given-up': 'it was given up already',
  ahead: 'the endpoint has not come to it, and will',
  none: 'nothing is known of it; it is not for this endpoint, or its attempts were dropped for their age',
}

async function refusal({ database }: LogAccess, delivery: Delivery, what: string): Promise<CommandError> {
  const standing = await readStanding(database, delivery)
  return new CommandError('DELIVERY_STANDS', `${placeOf(delivery)} cannot be ${what}: ${WHY[standing]}.`)
}
