import { pause } from '@tributary/runtime'
import type { Appended } from '../port.ts'
import { type AppendContext, type Call, writeCalls } from './append-calls.ts'
import type { SizedEvent } from './write-batch.ts'

/** A batch takes calls until it has this many events or bytes; a larger call is a batch of its own. */
const BATCH_EVENTS = 500
const BATCH_BYTES = 4 * 1024 * 1024
/** Milliseconds. */
const LINGER = 1

export type AppendQueue = {
  /** Resolves when the events are durable. Calls are written in the order they came. Throws the reason of `signal` at once. */
  append(events: readonly SizedEvent[], signal?: AbortSignal): Promise<Appended[]>
  /** Resolves when nothing is waiting or being written. */
  idle(): Promise<void>
}

/**
 * Lets the appends of one process to one topic share transactions: while one commits, the next gathers. Only one is
 * under way at a time, so a batch that has to be tried again is never overtaken by a later one of the same key.
 */
export function createAppendQueue(context: AppendContext): AppendQueue {
  const waiting: Call[] = []
  let writing: Promise<void> | undefined

  async function writeAll(): Promise<void> {
    await pause(LINGER)
    while (waiting.length > 0) {
      const failure = await writeCalls(context, takeBatch(waiting))
      // What kept the log from taking this batch has kept the others waiting as long.
      if (failure !== undefined) for (const call of waiting.splice(0)) call.reject(failure)
    }
    writing = undefined
  }

  return {
    append: (events, signal) => {
      const { promise, resolve, reject } = Promise.withResolvers<Appended[]>()
      const call = { events, bytes: events.reduce((sum, { bytes }) => sum + bytes, 0), resolve, reject }
      const abort = () => {
        // What is already being written stays; saying it again does no harm.
        const at = waiting.indexOf(call)
        if (at >= 0) waiting.splice(at, 1)
        reject(signal?.reason)
      }
      waiting.push(call)
      if (signal?.aborted) abort()
      signal?.addEventListener('abort', abort, { once: true })
      writing ??= writeAll()
      return promise.finally(() => signal?.removeEventListener('abort', abort))
    },
    idle: async () => {
      while (writing) await writing
    },
  }
}

function takeBatch(waiting: Call[]): Call[] {
  let events = 0
  let bytes = 0
  const over = waiting.findIndex((call, index) => {
    events += call.events.length
    bytes += call.bytes
    return index > 0 && (events > BATCH_EVENTS || bytes > BATCH_BYTES)
  })
  return waiting.splice(0, over === -1 ? waiting.length : over)
}
