import { jsonEvent } from '@eventstore/db-client'
import type { Database } from '@tributary/database'
import { derivedEventId } from '@tributary/events'
import type { FollowedTopic } from '../following/partition-reader.ts'
import { checkOutsideTopicName, registerOutsideTopic } from '../outside-topics.ts'
import { EventLogError, type Position } from '../port.ts'
import type { Connection } from './connection.ts'
import { partitionStream, topicStream } from './messages.ts'
import { appendBehind, EMPTY, forwards, lastRevision } from './streams.ts'

export type Topics = {
  /** The topic of this name, made with the configured number of partitions when it is new; asks once. */
  open(name: string): Promise<FollowedTopic>
  ends(topic: FollowedTopic): Promise<Position[]>
}

/** Topics of an EventStoreDB. How many partitions one has stands in a stream of its own, so that no other place decides it. */
export function createTopics(connection: Connection, database: Database, partitions: number): Topics {
  const opened = new Map<string, Promise<FollowedTopic>>()

  async function openTopic(name: string): Promise<FollowedTopic> {
    checkOutsideTopicName(name)
    const count = (await readPartitions(connection, name)) ?? (await makeTopic(connection, name, partitions))
    return await registerOutsideTopic(database, 'esdb', name, count)
  }

  return {
    open(name) {
      const known = opened.get(name)
      if (known) return known
      const topic = openTopic(name)
      opened.set(name, topic)
      topic.catch(() => opened.delete(name))
      return topic
    },
    ends: ({ name, partitions: count }) =>
      Promise.all(
        Array.from({ length: count }, async (_, partition) => {
          return (await lastRevision(connection, partitionStream(name, partition))) + 1
        }),
      ),
  }
}

async function readPartitions(connection: Connection, name: string): Promise<number | undefined> {
  for await (const { event } of forwards(connection, topicStream(name), 0, { maxCount: 1 })) {
    const { partitions } = (event?.data ?? {}) as { partitions?: unknown }
    if (Number.isInteger(partitions)) return Number(partitions)
    throw new EventLogError(
      'LOG_TOPIC_UNKNOWN',
      `The stream ${topicStream(name)} does not say how many partitions there are.`,
      {
        retriable: false,
      },
    )
  }
  return undefined
}

async function makeTopic(connection: Connection, name: string, partitions: number): Promise<number> {
  const made = jsonEvent({ id: derivedEventId('topic', name), type: 'TopicMade', data: { partitions } })
  await appendBehind(connection, topicStream(name), EMPTY, [made])
  // Another process may have been a moment faster, with another number.
  return (await readPartitions(connection, name)) ?? partitions
}
