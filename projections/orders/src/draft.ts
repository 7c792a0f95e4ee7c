import type { Cell, Remark, Row } from '@tributary/projection'
import { cutToCodePoints, storableText } from '@tributary/projection/fit'
import type { Facts } from './facts.ts'
import { ORDER_LIMITS, ORDER_TABLE, type OrderTextColumn } from './tables.ts'

/** Who the tables say wrote a row. */
const AUTHOR = 'tributary'

export type DraftRow = Record<string, Cell>

/** A copy of the order's row and facts that one event may change, with what was noticed on the way. */
export type Draft = { row: DraftRow; facts: Facts; remarks: Remark[] }

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

/** The row to keep: `before` itself when nothing differs, so that its reader sees by identity that there is nothing to write. */
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

/** Puts text into a column of the order, cut to what it holds; a cut goes into the facts and the remarks. */
export const setText = (draft: Draft, column: OrderTextColumn, text: string): void => {
  const storable = storableText(text)
  const kept = cutToCodePoints(storable, ORDER_LIMITS[column])
  draft.row[column] = kept
  noteCut(draft, ORDER_TABLE, column, kept.length < storable.length ? `longer than ${ORDER_LIMITS[column]} characters` : null)
}

/** Records whether the value now in a column was cut, and why. `place` is the column's name among the facts. */
export const noteCut = (
  { facts, remarks }: Pick<Draft, 'facts' | 'remarks'>,
  table: string,
  column: string,
  why: string | null,
  place: string = column,
): void => {
  if (why === null) {
    if (facts.cut.size > 0) facts.cut.delete(place)
    return
  }
  facts.cut.add(place)
  remarks.push({ kind: 'truncated', table, column, detail: why })
}
