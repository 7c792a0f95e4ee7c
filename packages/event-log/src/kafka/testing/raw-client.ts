import { randomUUID } from 'node:crypto'
import type { StoredEvent } from '@tributary/events'
import { partitionOf } from '../../partition.ts'
import { createKafka } from '../client.ts'
import { toMessage } from '../messages.ts'
import { parseKafkaUrl } from '../url.ts'

/** kafkajs with nothing of ours around it, for benches: the same messages, settings and topic. */
export function createRawClient(url: string) {
  const kafka = createKafka(parseKafkaUrl(url), undefined)
  return {
    /** An idempotent producer that waits for every copy. */
    async producer(topic: string, partitions: number) {
      const producer = kafka.producer({
        idempotent: true,
        maxInFlightRequests: 1,
        createPartitioner:
          () =>
          ({ message }) =>
            message.partition ?? 0,
      })
      await producer.connect()
      return {
        send: (events: readonly StoredEvent[]) =>
          producer.sendBatch({
            acks: -1,
            topicMessages: [
              { topic, messages: events.map((event) => toMessage(event, partitionOf(event.partitionkey, partitions))) },
            ],
          }),
        close: () => producer.disconnect(),
      }
    },
    /** Joins a new group, reads a topic from the beginning, and answers the seconds from the first batch to the last message. */
    async readAll(topic: string, count: number): Promise<number> {
      const consumer = kafka.consumer({ groupId: `raw-${randomUUID()}`, maxBytes: 8 * 1024 * 1024 })
      await consumer.connect()
      await consumer.subscribe({ topic, fromBeginning: true })
      const { promise, resolve } = Promise.withResolvers<number>()
      let seen = 0
      let began = 0
      await consumer.run({
        autoCommit: false,
        partitionsConsumedConcurrently: 4,
        eachBatch: async ({ batch }) => {
          began ||= performance.now()
          seen += batch.messages.length
          if (seen >= count) resolve((performance.now() - began) / 1_000)
        },
      })
      const seconds = await promise
      await consumer.disconnect()
      return seconds
    },
  }
}
