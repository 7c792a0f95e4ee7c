import type { Database } from '@tributary/database'
import type { EventLog, RecordedEvent } from '@tributary/event-log'
import { decodeEvent, type Event, type Topic } from '@tributary/events'
import { type Cell, keyText, type Projection } from '@tributary/projection'
import { findEvents, type Lookup, membersOf } from './key-index.ts'

/** Events of these types may change every row of a corp, and name none of them. */
const SWEEPING: readonly string[] = ['CorpDeauthorized']

type Context = { database: Database; log: EventLog }
type OnWalk = ((events: number) => void) | undefined

/** The events that may have changed the rows of a key, in log order. Throws EventLogError, DatabaseError, EventError. */
export function eventsOfRow(
  context: Context,
  projection: Projection,
  key: readonly Cell[],
  onWalk: OnWalk,
): Promise<RecordedEvent[]> {
  if (projection.reach) return eventsThatReach(context, { ...projection, reach: projection.reach }, key, onWalk)
  const name = keyText(key)
  return find(context, projection, [name], (event) => keyOf(projection, event) === name, onWalk)
}

/**
 * A row of a directory is changed by events of other keys, too: under each id that a member has or had, by those of the departments
 * that its own events name, and by one that ends the whole corp.
 */
async function eventsThatReach(
  context: Context,
  projection: Projection & { reach: NonNullable<Projection['reach']> },
  key: readonly Cell[],
  onWalk: OnWalk,
): Promise<RecordedEvent[]> {
  const found = new Map<string, RecordedEvent>()
  const keep = (events: readonly RecordedEvent[]) => {
    for (const recorded of events) found.set(`${recorded.partition}:${recorded.position}`, recorded)
  }
  const names = new Set([keyText(key)])
  for (let fresh = [...names]; fresh.length > 0; ) {
    const events = await find(
      context,
      projection,
      fresh,
      (event) => namesIn(projection, event).some((name) => names.has(name)),
      onWalk,
    )
    keep(events)
    const told = events.flatMap(({ event }) => namesIn(projection, decodeEvent(event)))
    fresh = [...new Set(told)].filter((name) => !names.has(name))
    for (const name of fresh) names.add(name)
  }
  const [first] = found.values()
  if (!first) return []
  const own = [...found.values()].map(({ event }) => decodeEvent(event))
  const others = new Set(needsOf(projection, own).filter((name) => !names.has(name)))
  keep(await find(context, projection, [...others], (event) => others.has(keyOf(projection, event) ?? ''), onWalk))
  const { partitionkey } = first.event
  const sweeps = await findEvents(
    context,
    projection.topic as Topic,
    { kind: 'key', key: partitionkey },
    {
      matches: ({ event }) =>
        event.partitionkey === partitionkey &&
        SWEEPING.includes(event.type) &&
        projection.reach.sweep(decodeEvent(event)) !== undefined,
    },
  )
  keep(sweeps)
  return [...found.values()].sort((one, other) => one.partition - other.partition || one.position - other.position)
}

function find(
  context: Context,
  projection: Projection,
  names: readonly string[],
  isWanted: (event: Event) => boolean,
  onWalk: OnWalk,
): Promise<RecordedEvent[]> {
  const lookups = names.flatMap((name): Lookup[] => [
    { kind: 'rows', projection: projection.name, key: name },
    ...(projection.reach ? [{ kind: 'member', member: decodeURIComponent(name) } as const] : []),
  ])
  if (lookups.length === 0) return Promise.resolve([])
  const types: readonly string[] = projection.types
  return findEvents(context, projection.topic as Topic, lookups, {
    matches: ({ event }) => types.includes(event.type) && isWanted(decodeEvent(event)),
    ...(onWalk ? { onWalk } : {}),
  })
}

function keyOf(projection: Projection, event: Event): string | undefined {
  const cells = projection.key(event)
  return cells === undefined ? undefined : keyText(cells)
}

/** The keys under which an event tells of what it is about: a change of a member's id has two. */
function namesIn(projection: Projection, event: Event): string[] {
  const key = keyOf(projection, event)
  if (key === undefined) return []
  const needed = new Set(needsOf(projection, [event]))
  return [key, ...membersOf(event).map((member) => keyText([member]))].filter((name) => name === key || needed.has(name))
}

/** The keys of the rows that events may read or change. */
function needsOf({ reach, tables }: Projection, events: readonly Event[]): string[] {
  const root = tables[0]
  const column = root && 'columns' in root.by ? root.by.columns[0] : undefined
  return (reach?.needs(events) ?? [])
    .filter((need) => need.table === root?.name && need.column === column)
    .flatMap(({ values }) => values.map((value) => keyText([value])))
}
