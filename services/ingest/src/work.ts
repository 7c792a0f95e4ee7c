import type { Event } from '@tributary/events'
import type { Reception } from './reception.ts'

/** Hands events to the log, in their order, into the topic of whoever appends. */
export type Append = (events: readonly Event[]) => Promise<void>

/**
 * Keeps one reception: makes its events, appends them, does what else belongs to it. Doing it again changes nothing. From
 * the spool it is done for many at a time, and `append` then only gathers: nothing may follow it that relies on the log.
 */
export type Work<R extends Reception, T> = (reception: R, append: Append) => Promise<T>
