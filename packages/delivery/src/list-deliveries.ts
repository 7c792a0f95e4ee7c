import type { Connection } from '@tributary/database'
import type { Position } from '@tributary/event-log'
import type { Outcome } from './outcome.ts'
import type { Delivery } from './place.ts'

/** How single tries ended, and where deliveries stand that are not settled, or were given up. */
export const TRY_OUTCOMES = [
  ...(['delivered', 'refused', 'throttled', 'failed', 'timed-out', 'address-refused'] as const),
] satisfies Outcome['kind'][]
export const OPEN_OUTCOMES = ['retrying', 'blocked', 'given-up'] as const
export type ListedOutcome = (typeof TRY_OUTCOMES)[number] | (typeof OPEN_OUTCOMES)[number]

/**
 * A try, the head of a lane, or a dead letter. `time` in milliseconds since 1970: when the try began, when the trouble of
 * the lane began, when the delivery was given up. `attempt` is the number of the try, or how many tries there were.
 */
export type ListedDelivery = Delivery & {
  time: number
  outcome: ListedOutcome
  reason: string
  attempt: number
  /** Of a try. */
  eventId: string | null
  status: number | null
  durationMs: number | null
  /** Of what is open or given up: the key that orders it. */
  key: string | null
  /** Of the head of a lane: when it is tried again, unless it is blocked, and how many events wait behind it. */
  nextTime: number | null
  waiting: number | null
}

/** Where a list goes on: behind this delivery. */
export type ListPlace = Pick<ListedDelivery, 'endpoint' | 'partition' | 'position' | 'time' | 'attempt'>

export type DeliveryFilter = {
  endpoints: readonly string[]
  /** Tries of every outcome when undefined. */
  outcome?: ListedOutcome
  /** Milliseconds since 1970: from `since` to before `until`. */
  since?: number
  until?: number
  /** Only these events. */
  events?: readonly { topic: string; partition: number; position: Position }[]
  after?: ListPlace
  limit: number
}

/** The newest first; at most `limit`. Throws DatabaseError. */
export async function listDeliveries(connection: Connection, filter: DeliveryFilter): Promise<ListedDelivery[]> {
  if (filter.events?.length === 0) return []
  // Each endpoint by itself walks its index from the newest on; together the server would sort all of them.
  const lists = await Promise.all(filter.endpoints.map((endpoint) => listOne(connection, endpoint, filter)))
  return lists.flat().toSorted(newestFirst).slice(0, filter.limit)
}

const newestFirst = (one: ListedDelivery, other: ListedDelivery): number =>
  other.time - one.time ||
  other.partition - one.partition ||
  other.position - one.position ||
  other.attempt - one.attempt ||
  (one.endpoint < other.endpoint ? 1 : -1)

type Source = {
  table: string
  time: string
  position: string
  attempt: string
  columns: string
  outcome: 'outcome' | 'state' | undefined
}

const TRIES: Source = {
  table: 'tributary_delivery_attempt',
  time: 'time',
  position: 'position',
  attempt: 'attempt',
  columns: `outcome, reason, event_id AS eventId, status, duration_ms AS durationMs,
    NULL AS \`key\`, NULL AS nextTime, NULL AS waiting`,
  outcome: 'outcome',
}

const NO_TRY = 'NULL AS eventId, NULL AS status, NULL AS durationMs, event_key AS `key`'

const LANES: Source = {
  table: 'tributary_delivery_lane l',
  time: 'since',
  position: 'head_position',
  attempt: 'attempts',
  columns: `state AS outcome, reason, ${NO_TRY}, IF(state = 'blocked', NULL, next_time) AS nextTime,
    (SELECT COUNT(*) FROM tributary_delivery_waiting w WHERE w.endpoint = l.endpoint AND w.topic = l.topic
       AND w.partition_no = l.partition_no AND w.event_key = l.event_key) AS waiting`,
  outcome: 'state',
}

const DEAD_LETTERS: Source = {
  table: 'tributary_dead_letter',
  time: 'time',
  position: 'position',
  attempt: 'attempts',
  columns: `'given-up' AS outcome, reason, ${NO_TRY}, NULL AS nextTime, NULL AS waiting`,
  outcome: undefined,
}

function sourceOf(outcome: ListedOutcome | undefined): Source {
  if (outcome === 'given-up') return DEAD_LETTERS
  return outcome === 'retrying' || outcome === 'blocked' ? LANES : TRIES
}

function listOne(connection: Connection, endpoint: string, filter: DeliveryFilter): Promise<ListedDelivery[]> {
  const source = sourceOf(filter.outcome)
  const { table, time, position, attempt, columns } = source
  const conditions = conditionsOf(source, endpoint, filter)
  const order = [time, 'topic', 'partition_no', position, attempt].map((column) => `${column} DESC`).join(', ')
  return connection.query(
    `SELECT endpoint, topic, partition_no AS \`partition\`, ${position} AS position, ${time} AS time, ${attempt} AS attempt, ${columns}
     FROM ${table} WHERE ${conditions.map(({ text }) => text).join(' AND ')} ORDER BY ${order} LIMIT ?`,
    [...conditions.flatMap(({ values }) => values), filter.limit],
  )
}

type Condition = { text: string; values: readonly unknown[] }

function conditionsOf(
  { time, position, attempt, outcome: column }: Source,
  endpoint: string,
  filter: DeliveryFilter,
): Condition[] {
  const { outcome, since, until, events, after } = filter
  const all: (Condition | false | undefined)[] = [
    { text: 'endpoint = ?', values: [endpoint] },
    column !== undefined && outcome !== undefined && { text: `${column} = ?`, values: [outcome] },
    since !== undefined && { text: `${time} >= ?`, values: [since] },
    until !== undefined && { text: `${time} < ?`, values: [until] },
    events && {
      text: `(topic, partition_no, ${position}) IN (?)`,
      values: [events.map((one) => [one.topic, one.partition, one.position])],
    },
    after && { text: `${time} <= ?`, values: [after.time] },
    after && {
      // Of equals in all else, the endpoints that come first by name are listed last.
      text: `(${time} < ? OR (partition_no, ${position}, ${attempt}) ${endpoint < after.endpoint ? '<=' : '<'} (?, ?, ?))`,
      values: [after.time, after.partition, after.position, after.attempt],
    },
  ]
  return all.filter((condition) => condition !== false && condition !== undefined)
}
