import type { Position } from '@tributary/event-log'

/** Whose rows: one endpoint's on one partition. */
export type Place = { endpoint: string; topic: string; partition: number }

/** One event for one endpoint, by where the event stands. */
export type Delivery = Place & { position: Position }
