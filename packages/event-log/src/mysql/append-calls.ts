import { type Database, DatabaseError } from '@tributary/database'
import { backOff, type Logger, pause } from '@tributary/runtime'
import type { Appended } from '../port.ts'
import { asLogError, isRetriable } from './failure.ts'
import type { Topic } from './topics.ts'
import { type SizedEvent, type Written, writeBatch } from './write-batch.ts'

/** How often a batch is tried before its callers hear that the log is unavailable: about a second in all. */
const TRIES = 4

/** One call of `append`, waiting for its answer. */
export type Call = {
  events: readonly SizedEvent[]
  bytes: number
  /** Of the trace that the call is part of, which the transaction goes on with. */
  traceparent: string | undefined
  resolve(places: Appended[]): void
  reject(reason: unknown): void
}

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
    context.onWritten(written)
    resolveCalls(calls, written)
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

/** The first of each id, in order. */
function withoutRepeats(calls: readonly Call[]): SizedEvent[] {
  const first = new Map<string, SizedEvent>()
  for (const { events } of calls) {
    for (const sized of events) if (!first.has(sized.event.id)) first.set(sized.event.id, sized)
  }
  return [...first.values()]
}

function resolveCalls(calls: readonly Call[], { places }: Written): void {
  const told = new Set<string>()
  for (const call of calls) {
    const answers: Appended[] = []
    for (const { event } of call.events) {
      const place = places.get(event.id)
      if (!place) throw new Error('An event of the batch was neither found nor written.')
      answers.push(told.has(event.id) ? { ...place, appended: false } : place)
      told.add(event.id)
    }
    call.resolve(answers)
  }
}

function rejectCalls(calls: readonly Call[], error: unknown): unknown {
  const failure = asLogError(error, 'keep events')
  for (const call of calls) call.reject(failure)
  return isRetriable(error) ? failure : undefined
}
