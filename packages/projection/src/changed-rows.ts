import type { KeyState, Row, TableDefinition } from './definition.ts'
import { ProjectionError } from './errors.ts'

/** Rows to write, by table. */
export type ChangedRows = Map<string, Row[]>

/**
 * Adds the rows of `after` that are not the very objects of `before`. A fold never removes a row: downstream teams hold on
 * to its id, so it marks it as deleted. Throws ProjectionError PROJECTION_ROW_LOST when one is gone all the same.
 */
export function addChanged(changed: ChangedRows, tables: readonly TableDefinition[], before: KeyState, after: KeyState): void {
  if (before === after) return
  for (const { name } of tables) {
    const old = before[name] ?? []
    const rows = after[name] ?? []
    if (old === rows) continue
    const fresh = old.length === 0 ? rows : without(rows, new Set(old))
    addRows(changed, name, fresh)
    if (fresh.length > rows.length - old.length) refuseLoss(name, old, rows)
  }
}

const without = (rows: readonly Row[], known: ReadonlySet<Row>): Row[] => rows.filter((row) => !known.has(row))

/** Adds rows of a table. */
export function addRows(changed: ChangedRows, table: string, rows: readonly Row[]): void {
  if (rows.length === 0) return
  const list = changed.get(table)
  if (!list) changed.set(table, [...rows])
  else for (const row of rows) list.push(row)
}

/** Sorted by id, so that two writers take their locks in the same order. */
export function inLockOrder(rows: readonly Row[]): Row[] {
  return rows.toSorted((one, other) => Number(one['id']) - Number(other['id']))
}

function refuseLoss(table: string, before: readonly Row[], after: readonly Row[]): void {
  const ids = new Set(after.map((row) => row['id']))
  if (before.every((row) => ids.has(row['id']))) return
  throw new ProjectionError(
    'PROJECTION_ROW_LOST',
    `The fold left out a row of ${table} that exists. Rows are never removed; mark it as deleted.`,
  )
}
