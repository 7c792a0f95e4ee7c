import { type Database, DatabaseError } from '@tributary/database'
import { backOff, type Logger, pause } from '@tributary/runtime'
import { type Call, resolveCalls, withoutRepeats } from '../append-calls.ts'
import { isRetriable } from '../retriable.ts'
import { asLogError } from './failure.ts'
import type { Topic } from './topics.ts'
import { type Written, writeBatch } from './write-batch.ts'

/** How often a batch is tried before its callers hear that the log is unavailable: about a second in all. */
const TRIES = 4

export type AppendContext = {
  database: Database
  topic: Topic
  logger: Logger | undefined
  onWritten(written: Written): void
}

/** Writes the calls in one transaction and settles them. Answers the failure when it concerns every other call too. */
export async function writeCalls(context: AppendContext, calls: readonly Call[]): Promise<unknown> {
  try {
    const written = await persist(context, calls)
    resolveCalls(calls, written.places)
    // Whoever waits for an answer comes before those who read: what they do with the events takes longer.
    setImmediate(context.onWritten, written)
    return undefined
  } catch (error) {
    if (calls.length === 1 || isRetriable(error)) return rejectCalls(calls, error)
    // One of them cannot be written. Alone, each answers for itself.
    for (const call of calls) await writeCalls(context, [call])
    return undefined
  }
}

async function persist({ database, topic, logger }: AppendContext, calls: readonly Call[]): Promise<Written> {
  const events = withoutRepeats(calls)
  const recordedTime = Date.now()
  for (let attempt = 1; ; attempt += 1) {
    try {
      // A first try asks for nothing. A later one looks up: an id may be known, or the commit whose answer got lost
      // may have happened.
      return await writeBatch(database, topic, events, { recordedTime, lookUp: attempt > 1 })
    } catch (error) {
      const known = error instanceof DatabaseError && error.code === 'DATABASE_DUPLICATE'
      if (attempt === TRIES || !(known || isRetriable(error))) throw error
      if (known) continue
      logger?.warn({ topic: topic.name, attempt, err: error }, 'The log did not take a batch; trying again')
      await pause(backOff(attempt, 100, 1_000))
    }
  }
}

function rejectCalls(calls: readonly Call[], error: unknown): unknown {
  const failure = asLogError(error, 'keep events')
  for (const call of calls) call.reject(failure)
  return isRetriable(error) ? failure : undefined
}
