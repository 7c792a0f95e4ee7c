import type { Position } from '@tributary/event-log'

/** Whose rows: one endpoint's on one partition. */
export type Place = { endpoint: string; topic: string; partition: number }

/** Something of a place, for statements that write for several. */
export type Placed<T> = { place: Place; item: T }

export const placed = <T>(place: Place, items: readonly T[]): Placed<T>[] => items.map((item) => ({ place, item }))

/** One event for one endpoint, by where the event stands. */
export type Delivery = Place & { position: Position }
