import type { EventData, EventType } from './catalogue.ts'
import type { Event, EventOf, StoredEvent } from './envelope.ts'

/** Skeleton: filled in by the events work. */
export type NewEvent<T extends EventType> = {
  id: string
  type: T
  source: string
  subject: string
  time: number
  partitionkey: string
  traceparent?: string
  data: EventData<T>
}
export declare function createEvent<T extends EventType>(input: NewEvent<T>): EventOf<T>
export declare function encodeEvent(event: Event): StoredEvent
export declare function decodeEvent(stored: StoredEvent): Event
