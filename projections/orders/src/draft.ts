import type { Remark } from '@tributary/projection'
import { cutToCodePoints, type DraftRow, storableText } from '@tributary/projection/folding'
import type { Facts } from './facts.ts'
import { ORDER_LIMITS, ORDER_TABLE, type OrderTextColumn } from './tables.ts'

/** A copy of the order's row and facts that one event may change, with what was noticed on the way. */
export type Draft = { row: DraftRow; facts: Facts; remarks: Remark[] }

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
