import type { Position } from '@tributary/event-log'
import type { Route } from './endpoint.ts'

/**
 * What is known of whom the events of a partition were for, so that it can be told later (routing-rows.ts). A change is
 * written with the batch in which it shows, in the transaction that moves the cursor; while nothing changes, nothing is
 * written. Batches are prepared ahead of their transactions, come again when those fail, and may never be written, as one
 * whose event is parked: so what a batch changes is told in its transaction, when what is committed before it is known.
 */
export type Routing = {
  /** Positions from here on are recorded; what comes again below it, after a replay or parked, was recorded before. */
  floor: Position
  /** For whom events are, as last committed. */
  readonly wanted: Set<string>
}

/**
 * From `position` on what `routedBy` names is for the endpoint, or is not any more. `given-back`: this one delivery was set
 * aside, or parked, and when its turn came it was not for the endpoint any more.
 */
export type RoutingChange = { position: Position; routedBy: string; kind: 'begins' | 'ends' | 'given-back' }

/** An event and whether it is for the endpoint; `routedBy` undefined where the event itself decides that for ever. */
export type Routed = { position: Position; routedBy: string | undefined; route: Route }

/** The changes that a batch brings to what is committed, in order. `later` decides nothing yet. */
export function routingChanges({ floor, wanted }: Routing, batch: readonly Routed[]): RoutingChange[] {
  const since = new Map<string, boolean>()
  const changes: RoutingChange[] = []
  for (const { position, routedBy, route } of batch) {
    if (routedBy === undefined || route === 'later' || position < floor) continue
    const isWanted = route === 'deliver'
    if (isWanted === (since.get(routedBy) ?? wanted.has(routedBy))) continue
    since.set(routedBy, isWanted)
    changes.push({ position, routedBy, kind: isWanted ? 'begins' : 'ends' })
  }
  return changes
}

/** The changes that parked events bring, which the cursor has passed: around them everything is recorded. */
export const givenBack = (requeued: readonly Routed[]): RoutingChange[] =>
  requeued.flatMap(({ position, routedBy, route }) =>
    routedBy === undefined || route !== 'pass' ? [] : [{ position, routedBy, kind: 'given-back' }],
  )

/** The cursor stands at `next` for good, and these changes are recorded. */
export function noteRoutingCommitted(routing: Routing, next: Position, changes: readonly RoutingChange[]): void {
  routing.floor = Math.max(routing.floor, next)
  for (const { routedBy, kind } of changes) {
    if (kind === 'begins') routing.wanted.add(routedBy)
    else if (kind === 'ends') routing.wanted.delete(routedBy)
  }
}
