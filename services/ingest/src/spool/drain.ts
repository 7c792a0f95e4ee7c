import type { EventLog } from '@tributary/event-log'
import { type Event, encodeEvent, type StoredEvent, type Topic } from '@tributary/events'
import { codeOf, type Logger } from '@tributary/runtime'
import type { Vault } from '@tributary/vault'
import { appendInParts } from '../append-in-parts.ts'
import type { Reception } from '../reception.ts'
import { within } from '../within.ts'
import type { Work } from '../work.ts'
import { blame } from './blame.ts'
import { SpoolError } from './errors.ts'
import { unsealed } from './sealing.ts'
import type { Entry, SpoolFile } from './spool-file.ts'

type DrainContext = {
  file: SpoolFile
  log: EventLog
  vault: Vault
  works: ReadonlyMap<string, { topic: Topic; work: Work<Reception, unknown> }>
  logger: Logger
}

/** An entry whose work is done but for the append. */
type Prepared = { entry: Entry; topic: Topic; events: readonly StoredEvent[] }

const BATCH_ENTRIES = 200
const BATCH_BYTES = 4 * 1024 * 1024
/** The work of one entry, and an append, milliseconds: long enough for any that will ever end. */
const WORK_WITHIN = 15_000
const APPEND_WITHIN = 60_000
/** How often an error without a code is tried before its entry is set aside. */
const TRIES = 3

/**
 * One turn: keeps the first entries of the spool, in their order, and removes them once the log has their events. Answers
 * whether there was anything to do. Throws what keeps it from going on, and then removed nothing that is not kept.
 */
export function createDrain(context: DrainContext): (signal: AbortSignal) => Promise<boolean> {
  const { file } = context
  const failures = new Map<number, number>()

  /** Sets an entry aside when it is to blame, and throws the error when it is not. */
  function setAsideOrThrow(entry: Entry, error: unknown, signal: AbortSignal): void {
    if (signal.aborted) throw error
    const blamed = blame(error)
    const times = (failures.get(entry.id) ?? 0) + 1
    if (blamed === 'unknown') failures.set(entry.id, times)
    if (blamed === 'surroundings' || (blamed === 'unknown' && times < TRIES)) throw error
    failures.delete(entry.id)
    file.setAside(entry.id, reasonOf(error))
    context.logger.error({ err: error, kind: entry.kind, entry: entry.id }, 'an entry of the spool was set aside')
  }

  async function alone(one: Prepared, signal: AbortSignal): Promise<void> {
    try {
      await append(context.log, [one], signal)
    } catch (error) {
      setAsideOrThrow(one.entry, error, signal)
      return
    }
    file.remove([one.entry.id])
  }

  async function prepared(entries: readonly Entry[], signal: AbortSignal): Promise<Prepared[]> {
    const batch: Prepared[] = []
    for (const entry of entries)
      try {
        batch.push(await unlessStopped(prepare(context, entry), signal))
      } catch (error) {
        setAsideOrThrow(entry, error, signal)
      }
    return batch
  }

  return async (signal) => {
    const entries = file.first(BATCH_ENTRIES, BATCH_BYTES)
    const batch = await prepared(entries, signal)
    try {
      await append(context.log, batch, signal)
    } catch (error) {
      if (signal.aborted || blame(error) === 'surroundings') throw error
      // One of them cannot be kept. Alone, each answers for itself.
      for (const one of batch) await alone(one, signal)
      return true
    }
    file.remove(batch.map(({ entry }) => entry.id))
    return entries.length > 0
  }
}

/** Does the work of an entry, but holds its events back for the append of the whole batch. */
async function prepare({ vault, works }: DrainContext, entry: Entry): Promise<Prepared> {
  const how = works.get(entry.kind)
  if (!how) throw new SpoolError('SPOOL_KIND_UNKNOWN', `Nothing here keeps a ${entry.kind}.`, { retriable: false })
  const reception = unsealed(entry, vault)
  const events: Event[] = []
  await within(WORK_WITHIN, () =>
    how.work(reception, async (more) => {
      events.push(...more)
    }),
  )
  return { entry, topic: how.topic, events: events.map(encodeEvent) }
}

async function append(log: EventLog, batch: readonly Prepared[], stopping: AbortSignal): Promise<void> {
  for (const [topic, ofTopic] of Map.groupBy(batch, ({ topic }) => topic)) {
    const events = ofTopic.flatMap((prepared) => prepared.events)
    await appendInParts(log, topic, events, (call) => within(APPEND_WITHIN, (late) => call(AbortSignal.any([late, stopping]))))
  }
}

/** What hangs may not hear a signal, and a process that stops cannot wait for it. */
async function unlessStopped<T>(work: Promise<T>, stopping: AbortSignal): Promise<T> {
  const { promise: stopped, reject } = Promise.withResolvers<never>()
  const stop = () => reject(stopping.reason)
  stopping.addEventListener('abort', stop, { once: true })
  try {
    return await Promise.race([work, stopped])
  } finally {
    stopping.removeEventListener('abort', stop)
  }
}

/** An error without a code may quote what was received, so only its name is told. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const code = codeOf(error)
  return code === undefined ? error.name : `${code}: ${error.message}`
}
