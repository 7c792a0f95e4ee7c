import type { EventData, EventType } from './catalogue.ts'

/** The CloudEvents 1.0 attributes of every event; `dataversion`, `partitionkey` and `traceparent` are extensions. */
export type EventAttributes<T extends string = string> = {
  specversion: '1.0'
  /** UUID. Time-ordered for what we decide, derived for what we received, so that hearing a thing twice appends it once. */
  id: string
  type: T
  /** Who appended it, for example `/tributary/order-sync`. */
  source: string
  /** What it is about, for example `orders/1/SELLER/12-34567-89012`. */
  subject: string
  /** RFC 3339, UTC, milliseconds. */
  time: string
  datacontenttype: 'application/json'
  dataversion: number
  /** Chooses the partition: everything with one key stands in one order. */
  partitionkey: string
  traceparent?: string
}

/** An event whose data has been checked against the newest schema of its type. */
export type EventOf<T extends EventType> = EventAttributes<T> & { data: EventData<T> }

/** Any event of the catalogue, discriminated by `type`. */
export type Event = { [T in EventType]: EventOf<T> }[EventType]

/** An event as a log keeps it: attributes apart, data still text, so that a reader can skip it without parsing. */
export type StoredEvent = EventAttributes & { data: string }
