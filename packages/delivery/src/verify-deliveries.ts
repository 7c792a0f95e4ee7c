import type { Connection } from '@tributary/database'
import { type EventLog, type Position, type RecordedEvent, readSlices } from '@tributary/event-log'
import { decodeEvent, type Event } from '@tributary/events'
import type { EndpointDefinition } from './endpoint.ts'
import { readStandings, type Standing } from './standing.ts'

const READ_EVENTS = 2_000

export type PartitionRange = { partition: number; from: Position; to: Position }

/**
 * Looks at every event of some ranges of the log that is for an endpoint, by its own rule as it is now, and counts where the
 * deliveries stand. `onRead` hears how many positions have been read, `onNone` of each delivery of which nothing is known:
 * it is lost, or who gets a seller's events was changed since, or its attempts were dropped for their age.
 * Throws DatabaseError, EventLogError.
 */
export async function verifyDeliveries(
  { connection, log }: { connection: Connection; log: EventLog },
  endpoint: Pick<EndpointDefinition, 'name' | 'topic' | 'types' | 'route'>,
  ranges: readonly PartitionRange[],
  options: { onRead(positions: number): void; onNone(recorded: RecordedEvent): void; signal: AbortSignal },
): Promise<Map<Standing, number>> {
  const { name, topic } = endpoint
  const counts = new Map<Standing, number>()
  let read = 0
  for (const { partition, from, to } of ranges) {
    let next = from
    for await (const slice of readSlices(log, topic, partition, { from, to, limit: READ_EVENTS, signal: options.signal })) {
      const wanted = await wantedOf(
        endpoint,
        slice.events.filter(({ position }) => position < to),
      )
      const standingOf = await readStandings(connection, { endpoint: name, topic, partition }, { from: next, to: slice.next })
      for (const recorded of wanted) {
        const standing = standingOf(recorded.position)
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

/** Those of the events that are for the endpoint, or will be once it is known whose they are. */
async function wantedOf(
  { types, route }: Pick<EndpointDefinition, 'types' | 'route'>,
  events: readonly RecordedEvent[],
): Promise<RecordedEvent[]> {
  const read = events
    .filter(({ event }) => (types as readonly string[]).includes(event.type))
    .map((recorded) => ({ recorded, event: readable(recorded) }))
  const routes = await route(read.flatMap(({ event }) => event ?? []))
  const isWanted = new Map(read.flatMap(({ event }) => event ?? []).map((event, index) => [event, routes[index] !== 'pass']))
  // What cannot be read is parked, whoever it is for.
  return read.filter(({ event }) => event === undefined || isWanted.get(event)).map(({ recorded }) => recorded)
}

function readable({ event }: RecordedEvent): Event | undefined {
  try {
    return decodeEvent(event)
  } catch {
    return undefined
  }
}
