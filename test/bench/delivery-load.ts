import { setTimeout as wait } from 'node:timers/promises'
import { openEventLog } from '@tributary/event-log'
import { type Event, encodeEvent, ORDER_TOPIC, timeOrderedEventId } from '@tributary/events'
import { exampleEvent } from '@tributary/events/examples'
import { answerQuestions, type OwnProcess, ownProcess } from './own-process.ts'

/** Keys that take turns; the number at the end of a key tells its share. */
const KEYS = 1_000

type Questions = {
  /** Appends so many as fast as it goes. */
  append(count: number): void
  /** Appends at an even rate, every twenty milliseconds, however the deliveries do; answers how many. */
  offer(given: { perSecond: number; seconds: number }): Promise<number>
}

/** What fills the log, in a process of its own as ingest is. */
export type Load = OwnProcess<Questions>

export const startLoad = (url: string, partitions: number): Load =>
  ownProcess<Questions>(import.meta.filename, [url, String(partitions)])

/** A small order event, its keys taking turns. */
export const eventOf = (number: number): Event =>
  exampleEvent('OrderReceived', timeOrderedEventId(), {
    time: Date.now(),
    data: { orderId: `order-${number % KEYS}` },
  })

async function fill(url: string, partitions: number): Promise<void> {
  const log = await openEventLog({ url, partitions })
  let appended = 0
  const appendNow = (count: number) =>
    log.append(
      ORDER_TOPIC,
      Array.from({ length: count }, () => encodeEvent(eventOf(appended++))),
    )
  answerQuestions({
    append: async (count) => {
      for (let left = count; left > 0; left -= 500) await appendNow(Math.min(500, left))
    },
    offer: async ({ perSecond, seconds }) => {
      const total = perSecond * seconds
      const started = performance.now()
      const appends: Promise<unknown>[] = []
      for (let sent = 0; sent < total; ) {
        const due = Math.min(total, Math.floor(((performance.now() - started) / 1_000) * perSecond))
        if (due > sent) appends.push(appendNow(due - sent))
        sent = Math.max(sent, due)
        await wait(20)
      }
      await Promise.all(appends)
      return total
    },
  } satisfies Questions)
}

const [url, partitions] = process.argv.slice(2)
if (process.argv[1] === import.meta.filename && url) await fill(url, Number(partitions))
