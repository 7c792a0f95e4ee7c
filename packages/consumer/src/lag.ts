import type { Position } from '@tributary/event-log'

/** Positions between the cursors of a consumer and the ends of their topic; a partition without a cursor counts from its beginning. */
export function lagOf(ends: readonly Position[], cursors: Iterable<{ partition: number; next: Position }>): number {
  const nexts = new Map<number, Position>()
  for (const { partition, next } of cursors) nexts.set(partition, next)
  return ends.reduce((sum, end, partition) => sum + Math.max(0, end - (nexts.get(partition) ?? 0)), 0)
}
