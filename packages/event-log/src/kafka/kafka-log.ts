import type { Database } from '@tributary/database'
import { createAppendQueue } from '../append-queue.ts'
import { type Claims, createClaims } from '../event-ids.ts'
import type { FollowedTopic } from '../following/partition-reader.ts'
import { createTailWatcher } from '../following/tail-watcher.ts'
import { createLogOfTopics } from '../log-of-topics.ts'
import type { EventLogOptions } from '../options.ts'
import { databaseFor } from '../outside-topics.ts'
import type { EventLog, Position } from '../port.ts'
import { type Cluster, createCluster, createKafka, PATIENCE } from './client.ts'
import { asLogError } from './failure.ts'
import { whileLeadersMove } from './patience.ts'
import { createReader } from './reader.ts'
import { createSockets } from './sockets.ts'
import { createTopics } from './topics.ts'
import { parseKafkaUrl } from './url.ts'
import { createSender, writeCalls } from './writer.ts'

/**
 * The log on Apache Kafka, or what speaks its protocol. Positions are offsets and may have gaps. Event ids and the sharing
 * of partitions stand in `database`, beside the cursors: a group of Kafka would move every partition whenever a member
 * comes or goes, and its offsets are not what we go by (docs/kafka.md). Tests shorten `patience`.
 */
export function openKafkaLog(options: EventLogOptions, patience: number = PATIENCE): EventLog {
  const { url, partitions, logger, lease } = options
  const address = parseKafkaUrl(url)
  const database = databaseFor('Kafka', options)
  const sockets = createSockets(patience)
  const kafka = createKafka(address, logger, { socketFactory: sockets.open, patience })
  const cluster = createCluster(kafka)
  const topics = createTopics({ kafka, cluster, database, partitions, replication: address.replication, logger })
  const sender = createSender(kafka, address.compression)
  const { read } = createReader(cluster, logger)
  return createLogOfTopics({
    ...{ name: 'kafka', database, lease, logger, asLogError },
    findTopic: topics.open,
    openTopic(topic) {
      const ends = () => topics.ends(topic.name, topic.partitions)
      const watcher = createTailWatcher(ends, logger)
      const claims = claimsOf({ database, cluster, topic, read })
      const context = { topic, sender, claims, logger, onWritten: watcher.advance }
      return {
        ...{ topic, watcher, ends, settled: claims.recorded },
        queue: createAppendQueue(topic.name, (batch) => writeCalls(context, batch)),
        read: (partition, from, readOptions) => read(topic.name, partition, from, readOptions),
      }
    },
    close: async () => {
      await sender.close()
      await cluster.disconnect().catch(() => {})
      sockets.destroyAll()
    },
  })
}

function claimsOf({
  database,
  cluster,
  topic,
  read,
}: {
  database: Database
  cluster: Cluster
  topic: FollowedTopic
  read: ReturnType<typeof createReader>['read']
}): Claims {
  return createClaims(database, topic, async (partition, ids, since) => {
    const places = new Map<string, Position>()
    const sought = new Set(ids)
    const [found] = await whileLeadersMove(cluster, () =>
      cluster.fetchTopicsOffset([{ topic: topic.name, partitions: [{ partition }], fromTimestamp: Math.max(0, since) }]),
    )
    // -1: nothing was taken since then.
    const start = Number(found?.partitions[0]?.offset ?? -1)
    for (let position: Position = start; position >= 0 && places.size < sought.size; ) {
      const slice = await read(topic.name, partition, position)
      for (const { event, position: place } of slice.events) if (sought.has(event.id)) places.set(event.id, place)
      if (slice.next === position) break
      position = slice.next
    }
    return places
  })
}
