import type { Logger } from '@tributary/runtime'
import type { Remark } from './definition.ts'
import { countRemark, countRows } from './measure.ts'

/** How often each thing was noticed, by `kind table.column`, since this member started. */
export type RemarkCounts = Readonly<Record<string, number>>

/** Counts remarks once their rows are durable. A transaction that is tried again must not count twice. */
export type RemarkBook = {
  /** Holds what the transaction under way in a partition noticed and wrote (rows by table), instead of what was held before. */
  hold(partition: number, remarks: readonly Remark[], rows?: ReadonlyMap<string, number>): void
  /** The transaction is durable: counts and logs what is held. */
  settle(partition: number): void
  /** The partition is gone. */
  drop(partition: number): void
  counts(): RemarkCounts
}

/** A stale snapshot is nothing to look into: webhooks and polling overtake each other all day. */
const UNREMARKABLE: ReadonlySet<Remark['kind']> = new Set(['stale'])

export function createRemarkBook(projection: string, logger: Logger): RemarkBook {
  const held = new Map<number, { remarks: readonly Remark[]; rows: ReadonlyMap<string, number> }>()
  const counts = new Map<string, number>()
  return {
    hold: (partition, remarks, rows = new Map()) => held.set(partition, { remarks, rows }),
    settle: (partition) => {
      const fresh = new Map<string, { remark: Remark; count: number }>()
      const { remarks = [], rows = new Map() } = held.get(partition) ?? {}
      countRows(projection, rows)
      for (const remark of remarks) {
        countRemark(projection, remark)
        const name = `${remark.kind} ${remark.table}.${remark.column}`
        counts.set(name, (counts.get(name) ?? 0) + 1)
        fresh.set(name, { remark, count: (fresh.get(name)?.count ?? 0) + 1 })
      }
      held.delete(partition)
      for (const { remark, count } of fresh.values()) {
        const { kind, table, column } = remark
        if (!UNREMARKABLE.has(kind)) logger.info({ projection, kind, table, column, count }, 'a value was not taken as it came')
      }
    },
    drop: (partition) => held.delete(partition),
    counts: () => Object.fromEntries([...counts].sort()),
  }
}
