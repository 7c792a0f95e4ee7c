import { type Logger, pause } from '@tributary/runtime'
import type { Position, RecordedEvent, Slice } from '../port.ts'
import { type Broker, type Cluster, type FetchedPartition, READ_UNCOMMITTED } from './client.ts'
import { rootOf } from './failure.ts'
import { toRecorded } from './messages.ts'
import { whileLeadersMove } from './patience.ts'

const DEFAULT_LIMIT = 500
const DEFAULT_BYTES = 8 * 1024 * 1024
/** Asked for at once; a broker sends at least one batch of messages, however large. */
const FETCH_BYTES = 1024 * 1024
/**
 * The same for each event that is wanted: a lane reads one, and a thousand lanes a thousand. At a megabyte each, requests stood behind
 * one another for longer than kafkajs waits, and a dispatcher with many lanes delivered nothing for half a minute.
 */
const EVENT_BYTES = 2 * 1024
/** Milliseconds until a broker is asked again that holds us to a quota; kafkajs itself waits as long as the broker said. */
const HELD_BACK = 100
/** Partitions whose surplus is kept for the next read. */
const MOST_KEPT = 64

export type ReadOptions = { limit?: number; maxBytes?: number; signal?: AbortSignal }

/**
 * Reads partitions at positions, as many at once as one likes, beside whoever follows them. A broker answers in the
 * batches that were produced; what a read does not take of them is kept for the next one that begins there. Where the topic has let
 * go of what was asked for, a read goes on behind that and says so: whoever was to get those events never will.
 */
export function createReader(cluster: Cluster, logger?: Logger) {
  const kept = new Map<string, Fetched>()

  async function fetchOrRecall(place: Place, signal?: AbortSignal): Promise<Fetched> {
    const name = nameOf(place.topic, place.partition)
    const known = kept.get(name)
    // Another reader's surplus stays for it.
    if (known?.from !== place.from) return await fetchPatiently({ cluster, logger }, place, signal)
    kept.delete(name)
    return known
  }

  async function read(topic: string, partition: number, from: Position, options: ReadOptions = {}): Promise<Slice> {
    const { limit = DEFAULT_LIMIT, maxBytes = DEFAULT_BYTES, signal } = options
    signal?.throwIfAborted()
    const events: RecordedEvent[] = []
    let bytes = 0
    let next = from
    while (events.length < limit && bytes < maxBytes) {
      const wanted = Math.min(FETCH_BYTES, (limit - events.length) * EVENT_BYTES)
      const fetched = await fetchOrRecall({ topic, partition, from: next, bytes: wanted }, signal)
      signal?.throwIfAborted()
      if (fetched.next === next) break
      const taken = take(fetched, { limit: limit - events.length, bytes: maxBytes - bytes, isFirst: events.length === 0 })
      events.push(...taken.events)
      bytes += taken.bytes
      next = taken.next
      if (!taken.rest) continue
      keep(nameOf(topic, partition), taken.rest)
      break
    }
    return { events, next }
  }

  function keep(name: string, rest: Fetched): void {
    kept.set(name, rest)
    const [oldest] = kept.keys()
    if (kept.size > MOST_KEPT && oldest !== undefined) kept.delete(oldest)
  }

  return { read }
}

const nameOf = (topic: string, partition: number): string => `${topic}/${partition}`

/** Events from a position on, and the position behind all that was looked at. */
type Fetched = { from: Position; events: RecordedEvent[]; next: Position }

function take(fetched: Fetched, most: { limit: number; bytes: number; isFirst: boolean }) {
  let bytes = 0
  const over = fetched.events.findIndex(({ event }, index) => {
    bytes += Buffer.byteLength(event.data)
    return index >= most.limit || (bytes > most.bytes && !(most.isFirst && index === 0))
  })
  if (over === -1) return { events: fetched.events, bytes, next: fetched.next, rest: undefined }
  const rest = fetched.events.slice(over)
  const next = rest[0]?.position ?? fetched.next
  return { events: fetched.events.slice(0, over), bytes, next, rest: { from: next, events: rest, next: fetched.next } }
}

async function fetchPatiently(
  { cluster, logger }: { cluster: Cluster; logger: Logger | undefined },
  place: Place,
  signal: AbortSignal | undefined,
): Promise<Fetched> {
  const { topic, partition, from } = place
  const fetchOnce = async () => {
    try {
      return await fetch(cluster, place, signal)
    } catch (error) {
      if (!(error instanceof Error) || rootOf(error).type !== 'OFFSET_OUT_OF_RANGE') throw error
      const start = await startBehind(cluster, topic, partition, from)
      if (start > from)
        logger?.error({ topic, partition, from, start }, 'The topic no longer holds these events; reading goes on behind them')
      return await fetch(cluster, { ...place, from: start }, signal)
    }
  }
  return await whileLeadersMove(cluster, fetchOnce, signal)
}

type Place = { topic: string; partition: number; from: Position; bytes: number }

/**
 * A broker that holds us to a quota answers at once and leaves the partition out. Taken for an answer, it would be the end of
 * the log, and whoever copies, exports or rebuilds would pass over what stands there.
 */
async function fetch(
  cluster: Cluster,
  { topic, partition, from, bytes }: Place,
  signal: AbortSignal | undefined,
): Promise<Fetched> {
  for (;;) {
    const broker = await leaderOf(cluster, topic, partition)
    const { responses } = await broker.fetch({
      ...{ maxWaitTime: 1, minBytes: 1, maxBytes: bytes, isolationLevel: READ_UNCOMMITTED },
      topics: [{ topic, partitions: [{ partition, fetchOffset: String(from), maxBytes: bytes }] }],
    })
    const found = responses[0]?.partitions[0]
    if (found) return fetchedOf(topic, found, from)
    await pause(HELD_BACK, signal)
    signal?.throwIfAborted()
  }
}

/** A batch may begin before the position, hold marks of transactions, or messages that are none of ours. */
function fetchedOf(topic: string, { partition, messages }: FetchedPartition, from: Position): Fetched {
  const within = messages.filter(({ offset }) => Number(offset) >= from)
  const last = within.at(-1)
  const events = within.flatMap((message) => {
    const recorded = message.isControlRecord ? undefined : toRecorded(topic, partition, message)
    return recorded ? [recorded] : []
  })
  return { from, events, next: last ? Number(last.offset) + 1 : from }
}

/** Brokers that are being looked for: many reads that come while a broker is dialled wait for the one dialling. */
const finding = new WeakMap<Cluster, Map<string, Promise<Broker>>>()

async function leaderOf(cluster: Cluster, topic: string, partition: number): Promise<Broker> {
  const find = () => cluster.findTopicPartitionMetadata(topic).find(({ partitionId }) => partitionId === partition)
  const known = find()
  if (!known || known.leader < 0) await cluster.refreshMetadata()
  const nodeId = String(find()?.leader ?? -1)
  const ofCluster = finding.get(cluster) ?? new Map<string, Promise<Broker>>()
  finding.set(cluster, ofCluster)
  const broker = ofCluster.get(nodeId) ?? cluster.findBroker({ nodeId }).finally(() => ofCluster.delete(nodeId))
  ofCluster.set(nodeId, broker)
  return await broker
}

/** Where the log begins, when a position lies before that; the position itself when it lies at the end or behind. */
async function startBehind(cluster: Cluster, topic: string, partition: number, from: Position): Promise<Position> {
  const [found] = await cluster.fetchTopicsOffset([{ topic, partitions: [{ partition }], fromBeginning: true }])
  return Math.max(from, Number(found?.partitions[0]?.offset ?? from))
}
