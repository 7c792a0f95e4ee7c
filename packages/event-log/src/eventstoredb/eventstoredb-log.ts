import { createAppendQueue } from '../append-queue.ts'
import { createClaims } from '../event-ids.ts'
import { createTailWatcher } from '../following/tail-watcher.ts'
import { createLogOfTopics } from '../log-of-topics.ts'
import type { EventLogOptions } from '../options.ts'
import { databaseFor } from '../outside-topics.ts'
import type { EventLog } from '../port.ts'
import { createConnection } from './connection.ts'
import { asLogError } from './failure.ts'
import { createKeyStreams } from './key-streams.ts'
import { linkIdOf, partitionStream } from './messages.ts'
import { createPartitionStreams } from './partition-streams.ts'
import { readSlice } from './reader.ts'
import { findRevisions } from './streams.ts'
import { createTail, type Tail } from './tail.ts'
import { createTopics } from './topics.ts'
import { parseEventStoreDbUrl } from './url.ts'
import { writeCalls } from './writer.ts'

/** Milliseconds between looks at the ends: the subscription tells of new events, a look only whether it still does. */
const LOOK = 1_000

/**
 * The log on EventStoreDB. Events stand in a stream for each key; the stream of a partition holds links to them, whose revisions
 * are the positions, without gaps. Event ids and the sharing of partitions stand in `database`, beside the cursors
 * (docs/eventstoredb.md).
 */
export function openEventStoreDbLog(options: EventLogOptions): EventLog {
  const { url, partitions, logger, lease } = options
  const address = parseEventStoreDbUrl(url)
  const database = databaseFor('EventStoreDB', options)
  const connection = createConnection(address)
  const topics = createTopics(connection, database, partitions)
  return createLogOfTopics({
    ...{ name: 'eventstoredb', database, lease, logger, asLogError },
    findTopic: topics.open,
    openTopic(topic) {
      const { name } = topic
      const watcher = createTailWatcher(() => ends(), logger, LOOK)
      const tail: Tail = createTail({
        ...{ connection, topic, logger },
        onEnd: (partition, end) => watcher.advance([[partition, end]]),
      })
      /** Where partitions end, which readers that wait and the subscription hear of. */
      async function ends() {
        const found = await topics.ends(topic)
        watcher.advance(found.entries())
        tail.compare(found)
        return found
      }
      const claims = createClaims(database, topic, async (partition, ids, since) => {
        const idOf = new Map(ids.map((id) => [linkIdOf(id), id]))
        const links = await findRevisions(connection, partitionStream(name, partition), [...idOf.keys()], since)
        return new Map([...links].map(([link, position]) => [idOf.get(link) ?? link, position]))
      })
      const context = {
        ...{ topic, claims, logger, onWritten: watcher.advance },
        keys: createKeyStreams(connection, name),
        partitions: createPartitionStreams(connection, name),
      }
      return {
        ...{ topic, watcher, ends, followed: tail.start, settled: tail.stop },
        queue: createAppendQueue(name, (batch) => writeCalls(context, batch)),
        read: (partition, from, readOptions) => readSlice(connection, name, partition, from, readOptions),
      }
    },
    close: connection.close,
  })
}
