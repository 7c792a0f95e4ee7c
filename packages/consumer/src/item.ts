import { hash } from 'node:crypto'
import type { RecordedEvent } from '@tributary/event-log'
import { decodeEvent, type Event, type StoredEvent } from '@tributary/events'
import type { Delivered } from './definition.ts'

/** A wanted event on its way through the loop. It is decoded at most once, and not at all while its key is parked. */
export type Item = { readonly recorded: RecordedEvent; decoded: Decoded | undefined }

/** `unreadable` is an event that this version cannot decode: poison by itself. */
export type Decoded = { kind: 'readable'; delivered: Delivered; key: string } | { kind: 'unreadable'; error: unknown }

export const itemOf = (recorded: RecordedEvent): Item => ({ recorded, decoded: undefined })

/** Decodes an event, the first time; later calls answer the same. */
export const decode = (item: Item, keyOf: (event: Event) => string): Decoded => {
  item.decoded ??= decodeOnce(item.recorded, keyOf)
  return item.decoded
}

/** The key under which an event that cannot be decoded is parked: the one the log stored. */
export const storedKey = ({ recorded }: Item): string => parkingKey(recorded.event.partitionkey)

const LONGEST_KEY = 255
const HEAD = 180

/**
 * A key as the parked tables hold it: at most 255 characters, and without the spaces at the end that a comparison in
 * SQL would ignore. Two keys that become one are merely parked together.
 */
export const parkingKey = (key: string): string => {
  const plain = key.toWellFormed().replaceAll(' ', '%20')
  return plain.length <= LONGEST_KEY ? plain : `${plain.slice(0, HEAD).toWellFormed()}~${hash('sha256', plain, 'hex')}`
}

const decodeOnce = (
  { topic, partition, position, recordedTime, event: stored }: RecordedEvent,
  keyOf: (event: Event) => string,
): Decoded => {
  try {
    const event = eventOf(stored)
    const delivered = { topic, partition, position, recordedTime, event }
    return { kind: 'readable', delivered, key: parkingKey(keyOf(event)) }
  } catch (error) {
    return { kind: 'unreadable', error }
  }
}

/**
 * Followers that share a reading are given the same objects: what one has decoded and checked is not done again. It stands on the
 * stored event, and not in a WeakMap beside it: V8 takes the values of a map that has grown old for used until it collects the old
 * generation, so every decoded event became a part of that (measured: 43 of 51 MB, where a property leaves none).
 */
const DECODED = Symbol('the event that a stored event was decoded to')

function eventOf(stored: StoredEvent & { [DECODED]?: Event }): Event {
  stored[DECODED] ??= decodeEvent(stored)
  return stored[DECODED]
}
