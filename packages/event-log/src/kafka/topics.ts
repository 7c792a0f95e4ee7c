import type { Database } from '@tributary/database'
import type { Logger } from '@tributary/runtime'
import type { Kafka } from 'kafkajs'
import type { FollowedTopic } from '../following/partition-reader.ts'
import { MAX_DATA_BYTES } from '../limits.ts'
import { checkOutsideTopicName, registerOutsideTopic } from '../outside-topics.ts'
import type { Position } from '../port.ts'
import type { Cluster } from './client.ts'
import { rootOf } from './failure.ts'
import { whileLeadersMove } from './patience.ts'

/** Room for the attributes beside the largest data. */
const MESSAGE_BYTES = MAX_DATA_BYTES + 1024 * 1024
const FOR_EVER = '-1'

export type Topics = {
  /** The topic of this name, made when it is new; asks once. */
  open(name: string): Promise<FollowedTopic>
  ends(topic: string, partitions: number): Promise<Position[]>
}

/**
 * Topics of a Kafka cluster. One that is missing is made with the configured partitions, kept for ever, because tables are
 * made again from it. One that is there is taken as it is, and said of what it will forget.
 */
export function createTopics(options: {
  kafka: Kafka
  cluster: Cluster
  database: Database
  partitions: number
  replication: number | undefined
  logger: Logger | undefined
}): Topics {
  const { cluster } = options
  const opened = new Map<string, Promise<FollowedTopic>>()
  return {
    open(name) {
      const known = opened.get(name)
      if (known) return known
      const topic = whileLeadersMove(cluster, () => openTopic(options, name))
      opened.set(name, topic)
      topic.catch(() => opened.delete(name))
      return topic
    },
    ends: async (topic, partitions) => {
      const numbers = Array.from({ length: partitions }, (_, partition) => ({ partition }))
      const [found] = await whileLeadersMove(cluster, () =>
        cluster.fetchTopicsOffset([{ topic, partitions: numbers, fromBeginning: false }]),
      )
      const ends: Position[] = numbers.map(() => 0)
      for (const { partition, offset } of found?.partitions ?? []) ends[partition] = Number(offset)
      return ends
    },
  }
}

type Options = Parameters<typeof createTopics>[0]

async function openTopic(options: Options, name: string): Promise<FollowedTopic> {
  checkOutsideTopicName(name)
  await makeTopic(options, name)
  await options.cluster.connect()
  await options.cluster.addTargetTopic(name)
  // A topic is there before every broker knows of it; who looks again is told so, or how many partitions it has.
  if (options.cluster.findTopicPartitionMetadata(name).length === 0) await options.cluster.refreshMetadata()
  const partitions = options.cluster.findTopicPartitionMetadata(name).length
  const topic = await registerOutsideTopic(options.database, 'kafka', name, partitions)
  if (topic.partitions < partitions)
    options.logger?.warn(
      { topic: name, partitions, used: topic.partitions },
      'This topic was given more partitions; those are left alone, because the events of a key would stand in two partitions',
    )
  return topic
}

async function makeTopic({ kafka, partitions, replication, logger }: Options, topic: string): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    const isMade = await admin
      .createTopics({
        waitForLeaders: true,
        topics: [
          {
            topic,
            numPartitions: partitions,
            replicationFactor: replication ?? -1,
            configEntries: [
              { name: 'retention.ms', value: FOR_EVER },
              { name: 'retention.bytes', value: FOR_EVER },
              { name: 'cleanup.policy', value: 'delete' },
              { name: 'max.message.bytes', value: String(MESSAGE_BYTES) },
            ],
          },
        ],
      })
      // Another process was a moment faster.
      .catch((error: Error) => rootOf(error).type !== 'TOPIC_ALREADY_EXISTS' && Promise.reject(error))
    if (!isMade) await checkRetention(admin, topic, logger)
  } finally {
    await admin.disconnect()
  }
}

/** A topic that forgets cannot make tables again; whoever made it should know. It may be wanted, so it is no error. */
async function checkRetention(admin: ReturnType<Kafka['admin']>, topic: string, logger: Logger | undefined): Promise<void> {
  const TOPIC = 2
  const { resources } = await admin.describeConfigs({ resources: [{ type: TOPIC, name: topic }], includeSynonyms: false })
  const retention = resources[0]?.configEntries.find(({ configName }) => configName === 'retention.ms')?.configValue
  if (retention !== undefined && retention !== FOR_EVER)
    logger?.warn(
      { topic, retention: Number(retention) },
      'This topic forgets its events after retention.ms; tables cannot be rebuilt from what it forgot. Set retention.ms to -1',
    )
}
