import { EventLogError } from './port.ts'

/** The calls of one open log. */
export type Calls = {
  /** Counts `work` until it ends, refuses it after closing, and gives its errors as those of the port. */
  run<T>(doing: string, work: () => Promise<T>): Promise<T>
  /** Aborts when the log is closed. */
  readonly closing: AbortSignal
  /** Refuses further calls, and resolves when those in hand have ended. */
  close(): Promise<void>
}

/** `asLogError` makes an error of the port of what a client threw, and lets others pass. */
export function createCalls(asLogError: (thrown: unknown, doing: string) => unknown): Calls {
  const inHand = new Set<Promise<unknown>>()
  const closing = new AbortController()
  return {
    closing: closing.signal,
    async run(doing, work) {
      if (closing.signal.aborted) throw new EventLogError('LOG_CLOSED', 'The log has been closed.', { retriable: false })
      const running = work()
      inHand.add(running)
      try {
        return await running
      } catch (error) {
        throw asLogError(error, doing)
      } finally {
        inHand.delete(running)
      }
    },
    async close() {
      closing.abort()
      await Promise.allSettled([...inHand])
    },
  }
}
