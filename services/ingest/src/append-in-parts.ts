import type { EventLog } from '@tributary/event-log'
import type { StoredEvent, Topic } from '@tributary/events'
import { inParts } from '@tributary/runtime'

/** A log refuses calls that are too large; an erasure may touch thousands of orders. */
const APPEND_AT_MOST = 500

/**
 * Appends events in their order, so many a call. `call` makes each of them, with a signal of its own. Throws what the log throws; what was
 * appended before stays, and appending all of them again changes nothing.
 */
export async function appendInParts(
  log: EventLog,
  topic: Topic,
  events: readonly StoredEvent[],
  call: (append: (signal: AbortSignal) => Promise<unknown>) => Promise<unknown>,
): Promise<void> {
  for (const some of inParts(events, APPEND_AT_MOST)) await call((signal) => log.append(topic, some, { signal }))
}
