import type { ConsumerDefinition } from '@tributary/consumer'
import type { EventLog } from '@tributary/event-log'
import type { Logger } from '@tributary/runtime'
import { type SentBatch, sendBatch, writeBatch, writeBatches } from './batch.ts'
import { createCatchUp } from './catch-up.ts'
import type { Endpoint } from './endpoint.ts'
import { type LaneRows, mysqlLaneRows } from './lane-rows.ts'
import { finishLanes, runLanes } from './lane-runner.ts'
import { noteCommit, openPartition, type Partition } from './partition.ts'

/** Attempts are written in groups of this many, with one move of the cursor. */
const BATCH_SIZE = 128
/** To decode and render so many keeps the event loop busy for some two milliseconds, which others have to wait. */
const SLICE_BESIDE_OTHERS = 32
/** Orders have 3 KB as a rule; a partition full of huge ones must not fill the memory. */
const BATCH_BYTES = 2 * 1_024 * 1_024

/** The consumer that delivers to an endpoint: its cursor is how far the endpoint has come. */
export function endpointConsumer(
  endpoint: Endpoint,
  { log, logger, rows = mysqlLaneRows }: { log: EventLog; logger: Logger; rows?: LaneRows },
): ConsumerDefinition<SentBatch> {
  const { name, topic, group, types } = endpoint.definition
  const catchUp = createCatchUp(name)
  const partitions = new Map<number, { partition: Partition; lanes: Promise<void> }>()
  return {
    name,
    topic,
    group,
    types,
    batchSize: BATCH_SIZE,
    batchBytes: BATCH_BYTES,
    sliceSize: () => (catchUp.isBesideOthers() ? SLICE_BESIDE_OTHERS : BATCH_SIZE),
    keyOf: endpoint.orderKey,
    // A receiver waits for the request, not for what we write down about the one before.
    preparesAhead: true,
    async assigned(owned) {
      const partition = await openPartition({ endpoint, owned, log, logger, rows, laneTurn: catchUp.lane })
      partitions.set(owned.partition, { partition, lanes: runLanes(partition) })
    },
    async prepare(events, signal, left) {
      const owner = partitions.get(events[0]?.partition ?? -1)
      if (!owner) throw new Error('A batch came for a partition that was not assigned.')
      const isRequeued = left === undefined
      const isAtHead = left !== undefined && left < BATCH_SIZE
      const isBehind = left !== undefined && left >= BATCH_SIZE
      if (isAtHead) catchUp.noteAtHead()
      if (isBehind) await catchUp.batch(events.length, signal)
      return await sendBatch(owner.partition, events, { signal, turn: isBehind ? catchUp.turn : undefined, isRequeued })
    },
    apply: writeBatch,
    applyTogether: writeBatches,
    committed(number, next, sent) {
      const owner = partitions.get(number)
      if (owner) noteCommit(owner.partition, next, sent?.routings ?? [])
    },
    async revoked(number) {
      const owner = partitions.get(number)
      if (!owner) return
      partitions.delete(number)
      await close(owner.partition, owner.lanes)
      if (partitions.size === 0) catchUp.leave()
    },
  }
}

/** Waits for requests under way, which end soon, and takes the partition's rows out of the endpoint's count. */
async function close(partition: Partition, lanes: Promise<void>): Promise<void> {
  await lanes
  await finishLanes(partition)
  for (const { events } of partition.lanes.values()) partition.endpoint.gate.countAside(-events)
}
