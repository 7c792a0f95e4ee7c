import type { Position } from '@tributary/event-log'
import type { Route } from './endpoint.ts'

/**
 * What is known of whom the events of a partition were for, so that it can be told later (routing-rows.ts). A change is
 * written with the batch in which it shows, in the transaction that moves the cursor; while nothing changes, nothing is
 * written. Batches are prepared ahead of their transactions, and again when those fail: so what is not committed is kept
 * apart, and a batch that comes again finds what held before it.
 */
export type Routing = {
  /** Positions from here on are recorded; what comes again below it, after a replay or parked, was recorded before. */
  floor: Position
  /** For whom events are, as last committed. */
  readonly wanted: Set<string>
  pending: RoutingChange[]
}

/**
 * From `position` on what `routedBy` names is for the endpoint, or is not any more. `given-back`: this one delivery was set
 * aside, and when its turn came it was not for the endpoint any more.
 */
export type RoutingChange = { position: Position; routedBy: string; kind: 'begins' | 'ends' | 'given-back' }

/** An event and whether it is for the endpoint; `routedBy` undefined where the event itself decides that for ever. */
export type Routed = { position: Position; routedBy: string | undefined; route: Route }

/** The changes that a batch brings, in order. `later` decides nothing yet. */
export function noteRouting(routing: Routing, batch: readonly Routed[]): RoutingChange[] {
  const [first, last] = [batch[0]?.position ?? 0, batch.at(-1)?.position ?? 0]
  routing.pending = routing.pending.filter(({ position }) => position < first || position > last)
  const changes: RoutingChange[] = []
  for (const { position, routedBy, route } of batch) {
    if (routedBy === undefined || route === 'later' || position < routing.floor) continue
    const isWanted = route === 'deliver'
    if (isWanted === wasWanted(routing, routedBy, position)) continue
    const change: RoutingChange = { position, routedBy, kind: isWanted ? 'begins' : 'ends' }
    changes.push(change)
    routing.pending.push(change)
  }
  return changes
}

function wasWanted({ wanted, pending }: Routing, routedBy: string, before: Position): boolean {
  const change = pending.findLast((one) => one.routedBy === routedBy && one.position < before)
  return change ? change.kind === 'begins' : wanted.has(routedBy)
}

/** The cursor stands at `next` for good. */
export function noteRoutingCommitted(routing: Routing, next: Position): void {
  routing.floor = Math.max(routing.floor, next)
  if (routing.pending.length === 0) return
  for (const { routedBy, kind } of routing.pending.filter(({ position }) => position < next)) {
    if (kind === 'begins') routing.wanted.add(routedBy)
    else routing.wanted.delete(routedBy)
  }
  routing.pending = routing.pending.filter(({ position }) => position >= next)
}
