import type { Channel, NotificationQueue, QueuedNotification } from '@tributary/channels'
import { channelName } from '@tributary/events'
import { inSpan, type Logger, startWorkLoop, type WorkLoop } from '@tributary/runtime'
import type { IngestContext } from './context.ts'
import type { Keeper } from './keeper.ts'
import { countNotification } from './measure.ts'
import { type NotificationReception, origin } from './reception.ts'

/** Between tries while the queue or our own log fails, milliseconds. A fetch that finds nothing has waited by itself. */
const IDLE = { shortest: 1_000, longest: 60_000 }
/** A removal that takes longer is given up: the messages come again, and are known by then. */
const REMOVED_WITHIN = 5_000

export type QueueReader = {
  readonly name: string
  start(): void
  health(): { reason?: string; details: Record<string, unknown> }
  /** Resolves when what was fetched is kept, or left for others. */
  stop(): Promise<void>
}

/** Notifications that say the same: that an order changed. One of them is enough, the newest; all of them end together. */
type Group = { newest: QueuedNotification; receipts: string[] }

/** A reader for every channel whose notifications lie in a queue. */
export function createQueueReaders(
  { channels, logger }: Pick<IngestContext, 'channels' | 'logger'>,
  keeper: Keeper<NotificationReception, unknown>,
): QueueReader[] {
  return [...channels.values()].flatMap((channel) =>
    channel.queue === undefined ? [] : [createQueueReader(channel, channel.queue, { keeper, logger })],
  )
}

/**
 * Fetches, keeps, removes, in this order: a message ends only when the log or the spool holds what it says, so a crash in between
 * brings it again, and its event is known by its id. One that says nothing we understand is kept, too, and ends: else it would come for ever.
 */
function createQueueReader(
  { number, name }: Channel,
  queue: NotificationQueue,
  { keeper, logger }: { keeper: Keeper<NotificationReception, unknown>; logger: Logger },
): QueueReader {
  const figures = { fetched: 0, lastFetchedTime: null as number | null, failure: null as string | null }
  let loop: WorkLoop | undefined

  async function turn(signal: AbortSignal): Promise<boolean> {
    const messages = await queue.receive(signal)
    const groups = grouped(messages)
    const outcomes = await Promise.allSettled(groups.map((group) => keep(group)))
    const receipts = groups.flatMap((group, index) => (outcomes[index]?.status === 'fulfilled' ? group.receipts : []))
    // Not by the signal of the loop: what is kept should not come again because we stop.
    if (receipts.length > 0) await queue.remove(receipts, AbortSignal.timeout(REMOVED_WITHIN))
    figures.fetched += messages.length
    figures.lastFetchedTime = Date.now()
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed) throw failed.reason
    figures.failure = null
    return true
  }

  async function keep({ newest: { notification, body } }: Group): Promise<void> {
    try {
      const { place } = await inSpan('receive notification', { root: true, attributes: { 'tributary.channel': number } }, () =>
        keeper.keep({ kind: 'notification', ...origin(), channel: number, notification, body }),
      )
      countNotification(number, place === 'log' ? 'kept' : 'spooled')
    } catch (error) {
      countNotification(number, 'not-kept')
      throw error
    }
  }

  function failed(error: unknown): void {
    figures.failure = error instanceof Error ? error.message : 'unknown failure'
    logger.warn({ err: error, channel: number }, 'the notifications of a queue could not be fetched, kept or removed')
  }

  return {
    name: `queue-${channelName(number)}`,
    start() {
      loop ??= startWorkLoop({ turn, failed, idle: IDLE })
    },
    health: () => ({
      ...(figures.failure === null ? {} : { reason: `The queue of ${name} gives no notifications: ${figures.failure}` }),
      details: { fetched: figures.fetched, lastFetchedTime: figures.lastFetchedTime },
    }),
    async stop() {
      await loop?.stop()
    },
  }
}

function grouped(messages: readonly QueuedNotification[]): Group[] {
  const groups = new Map<string, Group>()
  for (const message of messages) {
    const { notification, receipt } = message
    const key =
      notification.kind === 'order'
        ? JSON.stringify([notification.topic, notification.sellerId, notification.orderIds])
        : notification.notificationId
    const group = groups.get(key)
    if (!group) groups.set(key, { newest: message, receipts: [receipt] })
    else {
      group.receipts.push(receipt)
      if (notification.time > group.newest.notification.time) group.newest = message
    }
  }
  return [...groups.values()]
}
