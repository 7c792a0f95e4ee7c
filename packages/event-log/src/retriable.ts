import { DatabaseError } from '@tributary/database'
import { backOff, type Logger, pause } from '@tributary/runtime'
import { EventLogError } from './port.ts'

/** Whether waiting may help. */
export function isRetriable(thrown: unknown): boolean {
  return (thrown instanceof DatabaseError || thrown instanceof EventLogError) && thrown.retriable
}

/**
 * What `work` answers, however often it has to be tried while waiting may help, with a back-off of up to 5 s; undefined
 * when `signal` aborts first. `trouble` is said once.
 */
export async function untilPossible<T>(
  work: () => Promise<T>,
  signal: AbortSignal,
  { topic, trouble, logger }: { topic: string; trouble: string; logger: Logger | undefined },
): Promise<T | undefined> {
  for (let attempt = 1; !signal.aborted; attempt += 1) {
    try {
      const answer = await work()
      return signal.aborted ? undefined : answer
    } catch (error) {
      if (!isRetriable(error)) throw error
      if (attempt === 1) logger?.warn({ topic, err: error }, trouble)
      await pause(backOff(attempt, 100, 5_000), signal)
    }
  }
  return undefined
}
