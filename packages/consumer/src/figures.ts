import type { Position } from '@tributary/event-log'
import { readCursors } from './cursor.ts'
import type { Shared, Stage } from './loop.ts'
import type { OwnedFigures, Partition } from './partition.ts'
import { rateAt } from './progress.ts'

export type PartitionFigures = {
  partition: number
  /** `elsewhere` when another member, or none, has it. */
  stage: Stage | 'elsewhere'
  next: Position
  /** Events that the log holds and this consumer has not had, wanted or not. */
  lag: number
  /** Age of the oldest of them; 0 when there is none. */
  lagSeconds: number
  /** Time without progress while there is lag; 0 when there is none. */
  stalledSeconds: number
  /** Known to its owner only. */
  parkedKeys: number
  /** Code of the error that keeps it from coming forward. */
  trouble?: string
}

export type ConsumerFigures = {
  lag: number
  lagSeconds: number
  /** Of the partition that has stood longest. */
  stalledSeconds: number
  /** Events applied a second by this member, over the last ten seconds. */
  rate: number
  applied: number
  fences: number
  parkedKeys: number
  /** Milliseconds since 1970. */
  lastCommitTime: number | null
  partitions: PartitionFigures[]
}

/** Reads how far a consumer is in every partition, and how this member does. Throws EventLogError or DatabaseError. */
export async function readFigures<P>(shared: Shared<P>, owned: ReadonlyMap<number, Partition>): Promise<ConsumerFigures> {
  const { definition, database, log, counts, now } = shared
  const ends = await log.ends(definition.topic)
  const cursors = new Map((await readCursors(database, definition.name, definition.topic)).map((row) => [row.partition, row]))
  const partitions = await Promise.all(
    ends.map(async (end, partition): Promise<PartitionFigures> => {
      const mine = owned.get(partition)?.figures()
      const cursor = cursors.get(partition)
      const next = mine?.next ?? cursor?.next ?? 0
      const lag = Math.max(0, end - next)
      const oldest = lag === 0 ? undefined : await recordedTime(shared, partition, next)
      const lastProgress = Math.max(mine?.lastProgress ?? cursor?.updatedTime ?? 0, oldest ?? 0)
      return {
        partition,
        stage: mine?.stage ?? 'elsewhere',
        next,
        lag,
        lagSeconds: oldest === undefined ? 0 : seconds(now() - oldest),
        stalledSeconds: lag === 0 ? 0 : seconds(now() - lastProgress),
        ...ownFigures(mine),
      }
    }),
  )
  return {
    lag: sum(partitions.map(({ lag }) => lag)),
    lagSeconds: largest(partitions.map(({ lagSeconds }) => lagSeconds)),
    stalledSeconds: largest(partitions.map(({ stalledSeconds }) => stalledSeconds)),
    rate: rateAt(counts, now()),
    applied: counts.applied,
    fences: counts.fences,
    parkedKeys: sum(partitions.map(({ parkedKeys }) => parkedKeys)),
    lastCommitTime: counts.lastCommitTime,
    partitions,
  }
}

async function recordedTime<P>(
  { log, definition }: Shared<P>,
  partition: number,
  position: Position,
): Promise<number | undefined> {
  const { events } = await log.read(definition.topic, partition, position, { limit: 1 })
  return events[0]?.recordedTime
}

const ownFigures = (mine: OwnedFigures | undefined): { parkedKeys: number; trouble?: string } => ({
  parkedKeys: mine?.parkedKeys ?? 0,
  ...(mine?.trouble ? { trouble: mine.trouble.code } : {}),
})

const seconds = (milliseconds: number): number => Math.max(0, Math.round(milliseconds / 1000))
const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
const largest = (numbers: readonly number[]): number => Math.max(0, ...numbers)
