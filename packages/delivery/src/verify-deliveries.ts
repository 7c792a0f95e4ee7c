import type { Connection } from '@tributary/database'
import { type EventLog, type Position, type RecordedEvent, readSlices } from '@tributary/event-log'
import { decodeEvent, type Event } from '@tributary/events'
import type { EndpointDefinition } from './endpoint.ts'
import type { Place } from './place.ts'
import { type PastRouting, readPastRouting } from './routing-rows.ts'
import { readStandings, type Standing } from './standing.ts'

const READ_EVENTS = 2_000

export type PartitionRange = { partition: number; from: Position; to: Position }

/**
 * Looks at every event of some ranges of the log and counts where the deliveries stand of those that are for an endpoint: by
 * what held when its cursor passed them, as recorded (routing.ts), and by what holds now for those that the cursor has not come
 * to, and where the record does not reach back so far. `onRead` hears how many positions have been read, `onNone` of each
 * delivery of which nothing is known: it is lost, or its attempts were dropped for their age.
 * Throws DatabaseError, EventLogError.
 */
export async function verifyDeliveries(
  { connection, log }: { connection: Connection; log: EventLog },
  endpoint: VerifiedEndpoint,
  ranges: readonly PartitionRange[],
  options: { onRead(positions: number): void; onNone(recorded: RecordedEvent): void; signal: AbortSignal },
): Promise<Map<Standing, number>> {
  const { name, topic, types } = endpoint
  const counts = new Map<Standing, number>()
  let read = 0
  for (const { partition, from, to } of ranges) {
    const place = { endpoint: name, topic, partition }
    let next = from
    const meantOf = createMeaning(connection, place, endpoint)
    for await (const slice of readSlices(log, topic, partition, { from, to, limit: READ_EVENTS, signal: options.signal })) {
      const standingOf = await readStandings(connection, place, { from: next, to: slice.next })
      const events = slice.events
        .filter(({ position, event }) => position < to && (types as readonly string[]).includes(event.type))
        .map((recorded) => ({ recorded, event: readable(recorded), standing: standingOf(recorded.position) }))
      for (const { recorded, standing } of await meantOf(events)) {
        counts.set(standing, (counts.get(standing) ?? 0) + 1)
        if (standing === 'none') options.onNone(recorded)
      }
      read += Math.min(slice.next, to) - next
      next = slice.next
      options.onRead(read)
    }
  }
  return counts
}

type VerifiedEndpoint = Pick<EndpointDefinition, 'name' | 'topic' | 'types' | 'route' | 'routedBy'>
type Looked = { recorded: RecordedEvent; event: Event | undefined; standing: Standing }

const isNone = ({ standing }: Looked): boolean => standing === 'none'

const hasPassedSince = ({ until }: PastRouting, events: readonly Looked[]): boolean =>
  events.some((looked) => isNone(looked) && looked.recorded.position >= until)

/**
 * Answers those of a partition's events that were, or are, meant for the endpoint. The record is read once for what has passed
 * already, after the standings, so that it reaches as far as they do; and again before anything is said to be missing, because it
 * may have been given back meanwhile.
 */
function createMeaning(connection: Connection, place: Place, endpoint: VerifiedEndpoint) {
  let past: PastRouting | undefined
  return async (events: Looked[]): Promise<Looked[]> => {
    if (past && !hasPassedSince(past, events)) {
      const meant = await meantAsOf(endpoint, past, events)
      if (!meant.some(isNone)) return meant
    }
    past = await readPastRouting(connection, place)
    return await meantAsOf(endpoint, past, events)
  }
}

/** Those that are for the endpoint: what it had to do with, whatever holds now, and of the rest what was, or is, meant for it. */
async function meantAsOf({ route, routedBy }: VerifiedEndpoint, past: PastRouting, events: Looked[]): Promise<Looked[]> {
  const meant = new Map<Looked, boolean>()
  const open: { looked: Looked; event: Event }[] = []
  for (const looked of events) {
    const { event, standing } = looked
    const { position } = looked.recorded
    const by = event && routedBy?.(event)
    // What cannot be read is parked, whoever it is for.
    if (event === undefined || (standing !== 'none' && standing !== 'ahead')) meant.set(looked, true)
    else if (by !== undefined && standing === 'none' && past.since !== undefined && position >= past.since)
      meant.set(looked, past.wasWanted(by, position))
    else open.push({ looked, event })
  }
  const routes = await route(open.map(({ event }) => event))
  for (const [index, { looked }] of open.entries()) meant.set(looked, routes[index] !== 'pass')
  return events.filter((looked) => meant.get(looked))
}

function readable({ event }: RecordedEvent): Event | undefined {
  try {
    return decodeEvent(event)
  } catch {
    return undefined
  }
}
