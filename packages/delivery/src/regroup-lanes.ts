import type { OwnedPartition } from '@tributary/consumer'
import type { Connection } from '@tributary/database'
import type { EventLog, Position } from '@tributary/event-log'
import { decodeEvent } from '@tributary/events'
import { type DeliveryPolicy, type Endpoint, STRICT_KEY } from './endpoint.ts'
import { type Lane, untriedLane } from './lane.ts'
import type { Aside, LaneRows, WaitingRow } from './lane-rows.ts'
import { countDeadLetter } from './measure.ts'
import type { Place } from './place.ts'

/**
 * Whether a lane was made under this order. Keys of orders have a colon, those of changes of a directory a slash, and ids of
 * events, which are the keys where nothing is in order, have neither.
 */
export function isOfOrder(order: DeliveryPolicy['order'], key: string): boolean {
  if (order === 'strict' || key === STRICT_KEY) return order === 'strict' && key === STRICT_KEY
  return (order === 'key') === /[:/]/.test(key)
}

/**
 * Puts what is set aside into lanes by the order that the endpoint has now, when it had another one: under their old keys the
 * lanes would hold up nothing that comes, and what comes would pass them. Call it before any lane of the partition is held.
 * Throws DatabaseError, EventLogError, ConsumerError CONSUMER_FENCED.
 */
export async function regroupLanes(
  { endpoint, owned, log, rows }: { endpoint: Endpoint; owned: OwnedPartition; log: EventLog; rows: LaneRows },
  place: Place,
): Promise<void> {
  const aside = await owned.fenced((connection) => rows.aside(connection, place))
  // Nobody adds to it meanwhile. The log is read between transactions, because it may want a connection of its own.
  const keys = await keysOf(aside, ({ key, position }) => keyAt({ endpoint, log, signal: owned.signal }, place, key, position))
  const givenUp = await owned.fenced((connection) => rewrite(connection, rows, place, keys))
  for (let count = 0; count < givenUp; count += 1) countDeadLetter(place.endpoint)
}

async function keysOf(
  { lanes, waiting }: Aside,
  keyAt: (row: WaitingRow) => Promise<string>,
): Promise<ReadonlyMap<Position, string>> {
  const keys = new Map<Position, string>()
  for (const row of [...lanes.map(({ key, head }) => ({ key, position: head })), ...waiting])
    keys.set(row.position, await keyAt(row))
  return keys
}

/** The key of an event by the present order; the one it has when it can be read no more. */
async function keyAt(
  { endpoint, log, signal }: { endpoint: Endpoint; log: EventLog; signal: AbortSignal },
  { topic, partition }: Place,
  key: string,
  position: Position,
): Promise<string> {
  const { events } = await log.read(topic, partition, position, { limit: 1, signal })
  const [recorded] = events
  if (recorded?.position !== position) return key
  try {
    return endpoint.orderKey(decodeEvent(recorded.event))
  } catch {
    return key
  }
}

/** Answers how many heads went to the dead letters, because a person had skipped them. */
async function rewrite(
  connection: Connection,
  rows: LaneRows,
  place: Place,
  keys: ReadonlyMap<Position, string>,
): Promise<number> {
  const aside = await rows.aside(connection, place)
  const skipped = aside.lanes.filter(({ state }) => state === 'skipped')
  const { lanes, waiting } = regrouped(aside, keys, Date.now())
  await rows.clear(connection, place)
  for (const { head: position, key, attempts, reason } of skipped)
    await rows.insertDeadLetter(connection, place, { position, key, attempts, reason, time: Date.now() })
  await rows.insertLanes(
    connection,
    lanes.map((item) => ({ place, item })),
  )
  await rows.insertWaiting(
    connection,
    waiting.map((item) => ({ place, item })),
  )
  return skipped.length
}

/**
 * The same events in lanes by other keys, in order in each; without the heads that are skipped. A head that stays one keeps its
 * tries; one that has to wait now has them behind it in the record only. `now` in milliseconds since 1970.
 */
export function regrouped({ lanes, waiting }: Aside, keys: ReadonlyMap<Position, string>, now: number): Aside {
  const laneOf = new Map(lanes.map((lane) => [lane.key, lane]))
  const heads = new Map(lanes.map((lane) => [lane.head, lane]))
  const rows = [
    ...lanes.filter(({ state }) => state !== 'skipped').map(({ key, head }) => ({ key, position: head })),
    ...waiting,
  ].toSorted((one, other) => one.position - other.position)
  const groups = [...Map.groupBy(rows, ({ key, position }) => keys.get(position) ?? key)]
  return {
    lanes: groups.flatMap(([key, [first, ...others]]): Lane[] => {
      if (!first) return []
      const lane = heads.get(first.position) ?? untriedLane(key, first.position, now, '')
      const since = [first, ...others].map((row) => laneOf.get(row.key)?.since ?? now)
      return [{ ...lane, key, since: Math.min(...since) }]
    }),
    waiting: groups.flatMap(([key, [, ...others]]) => others.map(({ position }) => ({ key, position }))),
  }
}
