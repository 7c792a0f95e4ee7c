import { EventError, type EventOf, type OrderLine } from '@tributary/events'
import type { Row } from '@tributary/projection'
import { cutToCodePoints, type DraftRow, newAudit, settle, storableText } from '@tributary/projection/folding'
import { type Draft, noteCut } from './draft.ts'
import { DETAIL_LIMITS, DETAIL_TABLE, LARGEST_QUANTITY } from './tables.ts'

/**
 * Merges the lines of a snapshot: the rows are the union over all snapshots, each with the values of the newest that has
 * it, and only those of the newest snapshot are live. A row that has gone says so in `deleted` (its own id) and keeps
 * its id should the line come back. Answers `rows` itself when nothing changed, else a list sorted by id.
 */
export const mergeLines = (
  draft: Draft,
  rows: readonly Row[],
  event: EventOf<'OrderReceived'>,
  time: number,
): readonly Row[] => {
  const byItem = new Map(rows.map((row) => [String(row['line_item_id']), row]))
  const lines = new Map(event.data.order.lines.map((line) => [itemOf(line), line]))
  for (const [item, line] of lines) byItem.set(item, mergeLine(draft, byItem.get(item), { item, line, event, time }))
  if (event.data.sourceTime >= draft.facts.newest) {
    for (const [item, row] of byItem) if (!lines.has(item)) byItem.set(item, withoutLine(draft, row, time))
  }
  return sortedUnlessSame(rows, [...byItem.values()])
}

/** A line's id as its column keeps it. Should a snapshot name one twice, the later is the line. */
const itemOf = ({ lineItemId }: OrderLine): string => cutToCodePoints(storableText(lineItemId), DETAIL_LIMITS.line_item_id)

type Given = { item: string; line: OrderLine; event: EventOf<'OrderReceived'>; time: number }

const mergeLine = (draft: Draft, before: Row | undefined, { item, line, event, time }: Given): Row => {
  const { facts } = draft
  const { sourceTime } = event.data
  const isNewest = sourceTime >= facts.newest
  const id = Number(before?.['id'] ?? newRowId(event, line))
  if (!isNewest && before && !isOlder(facts.gone[id], before, sourceTime)) return before

  if (isNewest) delete facts.gone[id]
  else facts.gone[id] = sourceTime
  const after: DraftRow = before ? { ...before } : { ...blankLine, ...newAudit(time), id, line_item_id: item }
  after['order_id'] = draft.row['id'] ?? null
  after['deleted'] = isNewest ? 0 : id
  setValues(draft, after, line)
  return settle(before, after, time)
}

const withoutLine = ({ facts }: Draft, row: Row, time: number): Row => {
  if (row['deleted'] !== 0) return row
  const id = Number(row['id'])
  facts.gone[id] = facts.newest
  return settle(row, { ...row, deleted: id }, time)
}

/** In the order of the DDL: `settle` and the writer go through the columns as they stand here. */
const blankLine = { id: 0, order_id: 0, line_item_id: '', quantity: 0, title: '', sku: '' }

/** Whether the values of a line that has gone are no newer than `sourceTime`; a live line's always are. */
const isOlder = (gone: number | undefined, row: Row, sourceTime: number): boolean =>
  row['deleted'] !== 0 && (gone ?? -1) <= sourceTime

const newRowId = ({ data }: EventOf<'OrderReceived'>, line: OrderLine): number => {
  const { lines } = data.rowIds
  const id = Object.hasOwn(lines, line.lineItemId) ? lines[line.lineItemId] : undefined
  if (id === undefined) throw new EventError('EVENT_INVALID', 'An OrderReceived has no row id for one of its lines.')
  return id
}

const setValues = (draft: Draft, row: DraftRow, line: OrderLine): void => {
  const quantity = Math.max(-LARGEST_QUANTITY - 1, Math.min(LARGEST_QUANTITY, line.quantity))
  row['quantity'] = quantity
  noteLineCut(draft, row, 'quantity', quantity === line.quantity ? null : 'beyond what an INT holds')
  for (const column of ['title', 'sku'] as const) {
    const storable = storableText(line[column])
    const kept = cutToCodePoints(storable, DETAIL_LIMITS[column])
    row[column] = kept
    noteLineCut(draft, row, column, kept.length < storable.length ? `longer than ${DETAIL_LIMITS[column]} characters` : null)
  }
}

const noteLineCut = (draft: Draft, row: DraftRow, column: string, why: string | null): void => {
  if (why !== null || draft.facts.cut.size > 0) noteCut(draft, DETAIL_TABLE, column, why, `${row['id']}.${column}`)
}

const sortedUnlessSame = (before: readonly Row[], after: Row[]): readonly Row[] =>
  before.length === after.length && before.every((row, index) => row === after[index])
    ? before
    : after.sort((one, other) => Number(one['id']) - Number(other['id']))
