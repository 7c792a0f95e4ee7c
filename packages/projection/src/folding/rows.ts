import type { Cell, Row } from '../definition.ts'

/** Who the tables say wrote a row. */
const AUTHOR = 'tributary'

/** A copy of a row that a fold may change. */
export type DraftRow = Record<string, Cell>

/** The columns that every given table ends with, in the order of the DDL. */
export const AUDIT_COLUMNS = [
  'create_user_id',
  'create_by',
  'create_time',
  'update_user_id',
  'update_by',
  'update_time',
  'deleted',
] as const

/** The audit columns of a row that an event of this time (milliseconds since 1970) brings into being. */
export const newAudit = (time: number) => ({
  create_user_id: 0,
  create_by: AUTHOR,
  create_time: time,
  update_user_id: 0,
  update_by: AUTHOR,
  update_time: time,
  deleted: 0,
})

/** What every row has in its audit columns that nobody else wrote. `deleted` is left out: among many rows one may have gone. */
export const USUAL_AUDIT = { create_user_id: 0, create_by: AUTHOR, update_user_id: 0, update_by: AUTHOR } as const

/**
 * The row to keep after an event of this time: `before` itself when nothing differs, so that its reader sees by identity
 * that there is nothing to write; else `after`, whose audit columns then say who changed it and when.
 */
export const settle = (before: Row | undefined, after: DraftRow, time: number): Row => {
  if (before === undefined) return after
  for (const column in after) {
    if (after[column] === before[column]) continue
    after['update_by'] = AUTHOR
    after['update_time'] = time
    return after
  }
  return before
}
