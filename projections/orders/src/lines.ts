import { EventError, type EventOf, type OrderLine } from '@tributary/events'
import type { Row } from '@tributary/projection'
import { cutToCodePoints, type DraftRow, newAudit, settle, storableText } from '@tributary/projection/folding'
import { type Draft, noteCut } from './draft.ts'
import { DETAIL_LIMITS, DETAIL_TABLE, LARGEST_QUANTITY } from './tables.ts'

/**
 * Merges the lines of a snapshot: the rows are the union over all snapshots, each with the values of the newest that has
 * it. Live are those that the newest complete snapshot lists, and those of newer incomplete ones, which can tell that a
 * line is there but not that one has gone. A row that has gone says so in `deleted` (its own id) and keeps its id should
 * the line come back. Answers `rows` itself when nothing changed, else a list sorted by id.
 */
export const mergeLines = (
  draft: Draft,
  rows: readonly Row[],
  event: EventOf<'OrderReceived'>,
  time: number,
): readonly Row[] => {
  const { facts } = draft
  const { sourceTime, order } = event.data
  const byItem = new Map(rows.map((row) => [String(row['line_item_id']), row]))
  const lines = new Map(order.lines.map((line) => [itemOf(line), line]))
  const times = new Map(rows.map((row) => [Number(row['id']), facts.lines[Number(row['id'])] ?? facts.listed]))
  const isCurrent = sourceTime >= facts.listed
  for (const [item, line] of lines) {
    byItem.set(item, mergeLine(draft, byItem.get(item), { item, line, event, time, times, isCurrent }))
  }
  if (order.linesComplete && isCurrent) {
    facts.listed = sourceTime
    for (const [item, row] of byItem) {
      const isOlder = (times.get(Number(row['id'])) ?? sourceTime) <= sourceTime
      if (!lines.has(item) && isOlder) byItem.set(item, settle(row, { ...row, deleted: row['id'] ?? 0 }, time))
    }
  }
  facts.lines = Object.fromEntries([...times].filter(([, lineTime]) => lineTime !== facts.listed))
  return sortedUnlessSame(rows, [...byItem.values()])
}

/** A line's id as its column keeps it. Should a snapshot name one twice, the later is the line. */
const itemOf = ({ lineItemId }: OrderLine): string => cutToCodePoints(storableText(lineItemId), DETAIL_LIMITS.line_item_id)

type Given = {
  item: string
  line: OrderLine
  event: EventOf<'OrderReceived'>
  time: number
  /** By row id: source time of the values of every line; gets that of this one. */
  times: Map<number, number>
  /** Whether the snapshot is as new as the newest complete one. */
  isCurrent: boolean
}

const mergeLine = (draft: Draft, before: Row | undefined, { item, line, event, time, times, isCurrent }: Given): Row => {
  const { sourceTime } = event.data
  const id = Number(before?.['id'] ?? newRowId(event, line))
  if (before && sourceTime < (times.get(id) ?? sourceTime)) return before

  times.set(id, sourceTime)
  const after: DraftRow = before ? { ...before } : { ...blankLine, ...newAudit(time), id, line_item_id: item, deleted: id }
  after['order_id'] = draft.row['id'] ?? null
  if (isCurrent) after['deleted'] = 0
  setValues(draft, after, line)
  return settle(before, after, time)
}

/** In the order of the DDL: `settle` and the writer go through the columns as they stand here. */
const blankLine = { id: 0, order_id: 0, line_item_id: '', quantity: 0, title: '', sku: '' }

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
