import { readCursors } from '@tributary/consumer'
import { claimReading, type DirectoryReading, endReading, keepClaim } from '@tributary/database'
import { CONTACT_TOPIC } from '@tributary/events'
import { backOff, inSpan, pause, reasonOf } from '@tributary/runtime'
import { WecomError } from '@tributary/wecom'
import { CONSUMER, type SyncContext } from './context.ts'
import type { Customers } from './customers.ts'
import { countReading } from './measure.ts'
import { type Reading, type ReadingProgress, readDirectory } from './reading.ts'

/** Somebody else reads this directory, or the corp took its consent back meanwhile. */
export class ReadingLost extends Error {
  override readonly name = 'ReadingLost'
  readonly code = 'READING_LOST'
  readonly retriable = true
}

const HOUR = 3_600_000
const LOOK_AGAIN = 100
/** After trouble of ours, a broken connection to the database above all, WeCom need not be spared as after its own, milliseconds. */
const AFTER_OURS = 1_000

/** A reading that a person or the clock asks for; see ReadingRequest. */
export type Asked = { confirmed?: boolean; onProgress?: (progress: ReadingProgress) => void }

/**
 * Claims a corp, reads its directory and ends the claim, whatever happens; other processes leave the corp alone meanwhile.
 * Undefined when another was first. Throws what the reading met, noted in the row and tried again later by itself.
 */
export async function readClaimed(
  context: SyncContext,
  customers: Customers,
  corp: DirectoryReading,
  { owner, signal, ...asked }: Asked & { owner: string; signal: AbortSignal },
): Promise<Reading | undefined> {
  const { database, pace } = context
  const epoch = await claimReading(database, corp, { owner, until: Date.now() + pace.claim })
  if (epoch === undefined) return undefined
  const stopping = new AbortController()
  const stop = () => stopping.abort(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  const renewing = setInterval(() => {
    keepClaim(database, corp, epoch, Date.now() + pace.claim)
      .then((kept) => kept || stopping.abort(new ReadingLost('Another process took over, or the corp cancelled.')))
      // The claim outlasts two more tries; after that another process may take over, which does no harm.
      .catch(() => {})
  }, pace.claim / 3)
  try {
    const reading = await inSpan('read directory', { root: true }, async () => {
      await caughtUp(context, stopping.signal)
      return readDirectory(context, {
        corp,
        authorization: corp.authorization,
        ...customers.open(corp),
        signal: stopping.signal,
        ...asked,
      })
    })
    await endReading(database, corp, epoch, {
      due: nextDue(context),
      succeeded: !reading.heldBack,
      error: complaintOf(reading),
    })
    countReading(reading.heldBack ? 'held-back' : reading.complete ? 'complete' : 'incomplete')
    return reading
  } catch (error) {
    await settle(context, corp, epoch, error, signal)
    throw error
  } finally {
    clearInterval(renewing)
    signal.removeEventListener('abort', stop)
  }
}

async function settle(
  context: SyncContext,
  corp: DirectoryReading,
  epoch: number,
  error: unknown,
  signal: AbortSignal,
): Promise<void> {
  const { longest } = context.pace.retry
  const shortest = error instanceof WecomError ? context.pace.retry.shortest : AFTER_OURS
  const isForAPerson = error instanceof WecomError && !error.retriable
  const wait = signal.aborted ? 0 : isForAPerson ? longest : backOff(corp.failures + 1, shortest, longest)
  if (!signal.aborted) countReading('failed')
  await endReading(context.database, corp, epoch, { due: Date.now() + wait, succeeded: false, error: reasonOf(error) })
}

/** Spread by a tenth, so that corps which were read together once are not for ever. */
const nextDue = ({ configuration }: SyncContext): number =>
  Math.round(Date.now() + configuration.contactSync.intervalHours * HOUR * (0.95 + Math.random() / 10))

function complaintOf({ heldBack, missing, complete }: Reading): string {
  if (heldBack)
    return `${missing} members and departments are gone, which is more than a twentieth: look, then tributary wework reconcile --yes`
  return complete ? '' : 'A part of the directory is outside the visible range, so nothing was deleted.'
}

/**
 * Waits until what we know of directories is as new as the log was when this began; else what was appended lately would be
 * appended again. Not for ever: it would do no harm, only noise.
 */
async function caughtUp({ database, log, pace }: SyncContext, signal: AbortSignal): Promise<void> {
  const ends = await log.ends(CONTACT_TOPIC)
  const until = Date.now() + pace.catchUp
  for (;;) {
    const cursors = new Map(
      (await readCursors(database, CONSUMER, CONTACT_TOPIC)).map(({ partition, next }) => [partition, next]),
    )
    if (ends.every((end, partition) => end <= (cursors.get(partition) ?? 0)) || Date.now() > until) return
    await pause(LOOK_AGAIN, signal)
    signal.throwIfAborted()
  }
}
