import type { EventLog } from '@tributary/event-log'
import type { Topic } from '@tributary/events'
import { type Logger, observe, startWorkLoop, type WorkLoop } from '@tributary/runtime'
import type { Vault } from '@tributary/vault'
import type { Reception } from '../reception.ts'
import type { Work } from '../work.ts'
import { createDrain } from './drain.ts'
import { SpoolError } from './errors.ts'
import { spoolReadings } from './measure.ts'
import { becomeOwner } from './owner.ts'
import { sealed } from './sealing.ts'
import { type NewEntry, openSpoolFile, type SpoolFigures, type SpoolFile } from './spool-file.ts'

/*
 * The spool: a file on ingest's own disk that takes what was received and verified while the log, or the database that
 * sealing needs, is away. What is kept in it is acknowledged.
 *
 * What is in it. The reception itself and not its events, because events need a data key and that needs the database. It is
 * sealed under the master key, which is in memory. Draining does with it what would have been done at once: the same code
 * makes the events, erases, or puts into settings, and the same ids are derived. So an outage of the database is covered as
 * an outage of Kafka is. A process that starts meanwhile knows of the database what the last one kept beside the spool; until
 * it has seen the database itself (`drains: false`) it gives nothing to the log, since it could be another database by then.
 *
 * Order. While anything waits, everything new goes behind it and nothing around it. That is also the short circuit: one
 * failure fills the spool, and then nobody waits for a log that does not answer but the drain. Its turns are the probe.
 * What was sent before the sender had an answer to the one before has no order that we could keep.
 *
 * Crashes. An entry goes after the log has its events. A crash between repeats them, and so does an append that we gave up
 * waiting for: the log knows an event by its id. What is sent again while it waits is known by its identity, a keyed hash.
 *
 * Bound. SQLite refuses to grow beyond `max-bytes`; then, as when the disk fails, the sender is asked to try again.
 *
 * An entry that fails though all is well (a refused event, a seal that does not open) is set aside with its reason, so that
 * the others go on; health names it, `tributary spool list` shows it and `tributary spool retry` has it tried again.
 *
 * One process has a folder. A second one would have to leave files that nobody drains when there are fewer processes later.
 *
 * Commits are synchronous and block the event loop for as long as the disk takes (0.3 ms where this was measured); what comes
 * within one turn of the loop shares one.
 */

export type Spool = {
  /** Has receptions of a kind drained by `work`, into `topic`. Before `start`. */
  drains<R extends Reception>(kind: R['kind'], topic: Topic, work: Work<R, unknown>): void
  /** Whether new receptions may go to the log at once; never while it does not drain. */
  isEmpty(): boolean
  /** Resolves when the reception is on the disk. Throws SpoolError. */
  put(reception: Reception): Promise<void>
  /** Takes the folder and begins to drain. Throws SpoolError SPOOL_IN_USE or SPOOL_UNUSABLE. */
  start(): Promise<void>
  /** `reason` is for operators when something needs a look. */
  health(): { reason?: string; details: Record<string, unknown> }
  stop(): Promise<void>
}

type Waiting = { entry: NewEntry; resolve(): void; reject(error: unknown): void }

/** A drain that finds nothing to do, or a log that is away, looks again so much later, milliseconds. */
const IDLE = { shortest: 100, longest: 2_000 }

export function createSpool(
  { folder, maxBytes, drains = true }: { folder: string; maxBytes: number; drains?: boolean },
  { log, vault, logger }: { log: EventLog; vault: Vault; logger: Logger },
): Spool {
  let file: SpoolFile | undefined
  let loop: WorkLoop | undefined
  let lastFailure: string | undefined
  const closers: (() => void)[] = []
  const works = new Map<string, { topic: Topic; work: Work<Reception, unknown> }>()
  let gathered: Waiting[] = []

  const opened = (): SpoolFile => {
    if (file) return file
    throw new SpoolError('SPOOL_UNUSABLE', 'The spool is not open.', { retriable: true })
  }

  function commit(): void {
    const waiting = gathered
    gathered = []
    try {
      opened().put(waiting.map(({ entry }) => entry))
      for (const { resolve } of waiting) resolve()
      // A log that is away is not asked more often because more comes.
      if (lastFailure === undefined) loop?.wake()
    } catch (error) {
      for (const { reject } of waiting) reject(error)
    }
  }

  return {
    drains(kind, topic, work) {
      works.set(kind, { topic, work: work as Work<Reception, unknown> })
    },
    isEmpty: () => drains && gathered.length === 0 && opened().isEmpty(),
    put: (reception) =>
      new Promise((resolve, reject) => {
        if (gathered.length === 0) setImmediate(commit)
        gathered.push({ entry: sealed(reception, vault), resolve, reject })
      }),
    async start() {
      const own = openSpoolFile(folder, { maxBytes })
      closers.push(() => own.close())
      closers.push(await becomeOwner(folder))
      closers.push(observe('ingest-spool', () => spoolReadings(own.figures())))
      file = own
      if (!drains) return
      const drain = createDrain({ file: own, log, vault, works, logger })
      loop = startWorkLoop({
        async turn(signal) {
          const isMore = await drain(signal)
          lastFailure = undefined
          return isMore
        },
        failed(error) {
          if (lastFailure === undefined) logger.warn({ err: error }, 'the spool cannot be drained; trying on')
          lastFailure = (error as Error).message
        },
        idle: IDLE,
      })
    },
    health() {
      try {
        return healthOf(opened().figures(), { maxBytes, lastFailure })
      } catch (error) {
        return { reason: (error as Error).message, details: {} }
      }
    },
    async stop() {
      await loop?.stop()
      loop = undefined
      for (const close of closers.splice(0).reverse()) close()
    },
  }
}

function healthOf(
  { waiting, bytes, oldestTime, setAside }: SpoolFigures,
  { maxBytes, lastFailure }: { maxBytes: number; lastFailure: string | undefined },
): ReturnType<Spool['health']> {
  const oldestSeconds = oldestTime === null ? 0 : Math.max(0, Math.round((Date.now() - oldestTime) / 1_000))
  const reasons = [
    ...(waiting > 0
      ? [
          `${waiting} received things wait on this machine's disk for the log, the oldest for ${oldestSeconds} s. ${lastFailure ?? ''}`.trimEnd(),
        ]
      : []),
    ...(setAside > 0 ? [`${setAside} of the spool could not be kept and were set aside: see tributary spool list.`] : []),
  ]
  const details = { waiting, bytes, maxBytes, oldestSeconds, setAside }
  return { ...(reasons.length > 0 ? { reason: reasons.join(' ') } : {}), details }
}
