import type { Worker } from 'node:worker_threads'
import type { Pace, PartitionProgress } from './build.ts'
import type { ComparisonProgress, TableComparison } from './compare.ts'
import type { BuildContext } from './partition-builder.ts'
import type { RebuildState } from './record.ts'

export type RebuildEvent =
  | { kind: 'state'; state: RebuildState; generation: number }
  | { kind: 'progress'; partitions: PartitionProgress[] }
  | { kind: 'comparing'; tables: ComparisonProgress[] }
  | { kind: 'compared'; comparisons: TableComparison[] }
  | { kind: 'swap-blocked'; message: string }

export type RebuildOptions = BuildContext & {
  pace: Pace
  /** Starts a thread that calls `serveBuilding`, for each partition at once but the first. Without it one thread builds all. */
  startThread?: () => Worker
  signal: AbortSignal
  onEvent?: (event: RebuildEvent) => void
  /** Told, before the swap, whether and what differs; false leaves the rebuild as it is, to be resumed or aborted. */
  accept: (comparisons: TableComparison[]) => Promise<boolean>
}

export type Swapped = {
  kind: 'done'
  generation: number
  comparisons: TableComparison[]
  renameMilliseconds: number
  fencedMilliseconds: number
  /** Whether projectors of the version by which the tables before were made, as far as that is known, stand aside (PROJECTION_OUTDATED). */
  isNewVersion: boolean
}

export type RebuildOutcome =
  | Swapped
  | { kind: 'refused'; generation: number; comparisons: TableComparison[] }
  /** An earlier run had come behind its rename, or that of a rollback: only what remained was done. */
  | { kind: 'finished'; generation: number; state: RebuildState }
  | { kind: 'paused'; generation: number }
  | { kind: 'aborted'; generation: number }
