import type { Logger } from '@tributary/runtime'
import { CompressionTypes, type Kafka, type Producer } from 'kafkajs'
import { resolveCalls, withoutRepeats } from '../append-calls.ts'
import type { Call, SizedEvent } from '../append-queue.ts'
import type { Claims } from '../event-ids.ts'
import { firstPart } from '../first-part.ts'
import { partitionOf } from '../partition.ts'
import type { Appended, Position } from '../port.ts'
import { isRetriable } from '../retriable.ts'
import { asLogError } from './failure.ts'
import { toMessage } from './messages.ts'

/** Data in one request: a partition's share of it is one batch at the broker, which may be no larger than a message. */
const SEND_BYTES = 4 * 1024 * 1024

export type Sender = {
  /** Sends events to their partitions, in order, and answers where each stands. Throws errors of kafkajs. */
  send(topic: string, partitions: number, events: readonly SizedEvent[]): Promise<Position[]>
  close(): Promise<void>
}

/**
 * One idempotent producer: within its session the brokers take each batch once and in order, however often it is tried.
 * After a failure nobody knows its sequence numbers any more, so it is left for a new one.
 */
export function createSender(kafka: Kafka, compression: 'none' | 'gzip'): Sender {
  let current: Promise<Producer> | undefined

  async function connect(): Promise<Producer> {
    const producer = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      retry: { retries: 4, initialRetryTime: 100, maxRetryTime: 2_000 },
      // Every message names its partition.
      createPartitioner:
        () =>
        ({ message }) =>
          message.partition ?? 0,
    })
    await producer.connect()
    return producer
  }

  async function leave(): Promise<void> {
    const leaving = current
    current = undefined
    await leaving?.then((producer) => producer.disconnect()).catch(() => {})
  }

  return {
    async send(topic, partitions, events) {
      current ??= connect()
      const placed = events.map(({ event }) => ({ event, partition: partitionOf(event.partitionkey, partitions) }))
      const messages = placed.map(({ event, partition }) => toMessage(event, partition))
      try {
        const sent = await (await current).sendBatch({
          acks: -1,
          compression: compression === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None,
          topicMessages: [{ topic, messages }],
        })
        const next = new Map(sent.map(({ partition, baseOffset }) => [partition, Number(baseOffset)]))
        return placed.map(({ partition }) => {
          const position = next.get(partition) ?? -1
          next.set(partition, position + 1)
          return position
        })
      } catch (error) {
        await leave()
        throw error
      }
    },
    close: leave,
  }
}

export type WriteContext = {
  topic: { name: string; partitions: number }
  sender: Sender
  claims: Claims
  logger: Logger | undefined
  onWritten(ends: Map<number, Position>): void
}

/** Writes calls and settles them. Answers the failure when it concerns every other call too. */
export async function writeCalls(context: WriteContext, calls: readonly Call[]): Promise<unknown> {
  try {
    const places = await persist(context, withoutRepeats(calls))
    resolveCalls(calls, places)
    return undefined
  } catch (error) {
    const failure = asLogError(error, 'keep events')
    if (calls.length > 1 && !isRetriable(failure)) {
      // One of them cannot be written. Alone, each answers for itself.
      for (const call of calls) await writeCalls(context, [call])
      return undefined
    }
    for (const call of calls) call.reject(failure)
    return isRetriable(failure) ? failure : undefined
  }
}

async function persist(context: WriteContext, events: readonly SizedEvent[]): Promise<Map<string, Appended>> {
  const { topic, sender, claims, onWritten } = context
  const { mine, known: places } = await claims.claim(events)
  const unsent = [...mine]
  try {
    while (unsent.length > 0) {
      const part = firstPart(unsent, ({ bytes }) => bytes, SEND_BYTES)
      const positions = await sender.send(topic.name, topic.partitions, part)
      const sent = part.map(({ event }, index) => ({
        id: event.id,
        partition: partitionOf(event.partitionkey, topic.partitions),
        position: positions[index] ?? -1,
      }))
      unsent.splice(0, part.length)
      claims.recordSoon(sent)
      for (const { id, partition, position } of sent) places.set(id, { partition, position, appended: true })
      onWritten(new Map(sent.map(({ partition, position }) => [partition, position + 1])))
    }
    return places
  } catch (error) {
    await claims.doubt(mine.filter(({ event }) => !places.has(event.id))).catch(() => {})
    throw error
  }
}
