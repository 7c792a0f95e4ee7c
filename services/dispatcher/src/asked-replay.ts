import type { Database } from '@tributary/database'
import { countReplay, type PartitionReplay, planReplay, type ReplayCount, readPresentPace } from '@tributary/delivery'
import type { EventLog, Position } from '@tributary/event-log'
import { positionAt } from '@tributary/history'
import { eventFilterOf, type KnownEndpoint } from './known-endpoints.ts'

type Context = { database: Database; log: EventLog }

/** A moment, milliseconds since 1970, or a position that counts in every partition. */
export type ReplayPlace = { kind: 'time'; time: number } | { kind: 'position'; position: Position }

/** What a person asks for: from one place to before another, or to where the endpoint stands; of one key, or of all. */
export type AskedRange = { from: ReplayPlace; to?: ReplayPlace; key?: string }

/** What of a range an endpoint would get again, by partition; nothing when it has had nothing of it. Throws DatabaseError, EventLogError. */
export async function planAskedReplay(
  { database, log }: Context,
  { name: endpoint, topic }: Pick<KnownEndpoint, 'name' | 'topic'>,
  { from, to, key }: AskedRange,
): Promise<PartitionReplay[]> {
  const ends = await log.ends(topic)
  const positionsOf = (place: ReplayPlace): Promise<Position[]> =>
    Promise.all(
      ends.map((end, partition) =>
        place.kind === 'position' ? place.position : positionAt(log, topic, partition, end, place.time),
      ),
    )
  return planReplay(database, {
    ...{ endpoint, topic, from: await positionsOf(from) },
    ...(to ? { to: await positionsOf(to) } : {}),
    ...(key === undefined ? {} : { key }),
  })
}

/** `seconds` at the pace of the endpoint's latest deliveries; null when it has had none. */
export type ReplayFigures = ReplayCount & { seconds: number | null }

/** Counts what a plan would send, or at least `most` of it, reading the log and changing nothing. Throws DatabaseError, EventLogError, the reason of `signal`. */
export async function countAskedReplay(
  { database, log }: Context,
  endpoint: KnownEndpoint,
  plan: readonly PartitionReplay[],
  options: { signal: AbortSignal; onRead?(events: number): void; most?: number },
): Promise<ReplayFigures> {
  const count = await countReplay(log, endpoint.topic, plan, { ...options, wants: eventFilterOf(endpoint, database) })
  const pace = await readPresentPace(database, endpoint.name)
  return { ...count, seconds: pace === undefined ? null : Math.ceil(count.events / pace) }
}
