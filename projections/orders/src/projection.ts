import { EventError, type EventOf, ORDER_TOPIC, type PersonalPart } from '@tributary/events'
import type { KeyState, Projection, Remark, Row } from '@tributary/projection'
import { type DraftRow, newAudit, settle } from '@tributary/projection/folding'
import { type Draft, setText } from './draft.ts'
import { type Facts, readFacts, writeFacts } from './facts.ts'
import { mergeLines } from './lines.ts'
import { erasePersonal, mergeOriginal, mergePersonal } from './personal.ts'
import { DETAIL_TABLE, FACTS_TABLE, ORDER_TABLE, ORIGINAL_TABLE, TABLES } from './tables.ts'

/**
 * Orders: the order, its lines and its raw text, folded from the snapshots that a marketplace gave of it.
 *
 * Snapshots are ordered by their source time, equal ones by the log, so that every order of arrival ends in the same rows:
 * - What the newest snapshot always says (status, dates, digest, which lines there are) is as it says.
 * - What a snapshot may leave out, because it is masked or aged out (buyer, receiver), is the newest that any one said.
 * - A line that the newest snapshot lacks is soft-deleted, and comes back as the same row.
 * - An erased person stays erased, whatever arrives before or after.
 * A row's id is that of the first event in the log that names it; its audit times are event times. Those alone depend on
 * the order of arrival.
 */
export const orders: Projection = {
  name: 'orders',
  topic: ORDER_TOPIC,
  types: ['OrderReceived', 'PersonalDataErased'],
  tables: TABLES,
  key: (event) =>
    event.type === 'OrderReceived' || event.type === 'PersonalDataErased'
      ? [event.data.channel, String(event.data.sellerRowId), event.data.orderId]
      : undefined,
  fold: (state, event) => {
    if (event.type === 'OrderReceived') return foldSnapshot(state, event, event.personal)
    if (event.type === 'PersonalDataErased') return foldErasure(state, event)
    return { state, remarks: [] }
  },
}

type Outcome = { state: KeyState; remarks: readonly Remark[] }

const foldSnapshot = (
  state: KeyState,
  event: EventOf<'OrderReceived'>,
  personal: PersonalPart | 'erased' | undefined,
): Outcome => {
  if (personal === undefined) throw new EventError('EVENT_INVALID', 'An OrderReceived must be opened before it is folded.')
  const time = Date.parse(event.time)
  const { sourceTime, rowIds } = event.data
  const before = rowsBefore(state)
  const draft = draftOf(before, event, rowIds.order, time)
  const original: DraftRow = before.original
    ? { ...before.original }
    : { id: rowIds.original, order_id: draft.row['id'] ?? null, original: null, ...newAudit(time) }

  if (sourceTime >= draft.facts.newest) showSnapshot(draft, event)
  else draft.remarks.push(staleRemark(draft.facts, sourceTime))
  if (personal === 'erased') {
    if (draft.facts.erased === 'no') draft.facts.erased = 'unopened'
    erasePersonal(draft, original)
  } else if (draft.facts.erased === 'no') {
    mergePersonal(draft, personal, sourceTime)
    mergeOriginal(draft, original, personal.original, sourceTime)
  }
  const lines = mergeLines(draft, before.lines, event, time)
  draft.facts.newest = Math.max(draft.facts.newest, sourceTime)
  return settled(state, before, draft, original, lines, time)
}

/**
 * An erasure before the first snapshot leaves a row that is soft-deleted until that comes, so that it is remembered. The
 * first one always leaves its time on the rows, also where a replay had nothing left to blank.
 */
const foldErasure = (state: KeyState, event: EventOf<'PersonalDataErased'>): Outcome => {
  const time = Date.parse(event.time)
  const before = rowsBefore(state)
  const draft = draftOf(before, event, event.data.rowId, time)
  const original = before.original && { ...before.original }
  if (!before.order) {
    draft.row['status'] = 'UNKNOWN'
    draft.row['deleted'] = event.data.rowId
  }
  if (draft.facts.erased !== 'told') {
    draft.facts.erased = 'told'
    draft.row['update_time'] = time
    if (original) original['update_time'] = time
  }
  erasePersonal(draft, original)
  return settled(state, before, draft, original, before.lines, time)
}

type Before = { order: Row | undefined; lines: readonly Row[]; original: Row | undefined; facts: Row | undefined }

const rowsBefore = (state: KeyState): Before => ({
  order: state[ORDER_TABLE]?.[0],
  lines: state[DETAIL_TABLE] ?? [],
  original: state[ORIGINAL_TABLE]?.[0],
  facts: state[FACTS_TABLE]?.[0],
})

const draftOf = (
  before: Before,
  { data }: EventOf<'OrderReceived' | 'PersonalDataErased'>,
  rowId: number,
  time: number,
): Draft => ({
  row: before.order
    ? { ...before.order }
    : {
        ...blankOrder,
        ...newAudit(time),
        id: rowId,
        channel: data.channel,
        order_app_seller_id: String(data.sellerRowId),
        order_id: data.orderId,
      },
  facts: readFacts(before.facts),
  remarks: [],
})

const blankOrder: Row = Object.fromEntries(
  (TABLES[0]?.columns ?? []).map((column) => [column, column.endsWith('_time') ? 0 : '']),
)

/** Shows what the newest snapshot says and no snapshot leaves out. */
const showSnapshot = (draft: Draft, { data }: EventOf<'OrderReceived'>): void => {
  const { row, remarks } = draft
  const { order, sourceTime } = data
  row['status'] = order.status
  row['creation_date_time'] = order.creationTime
  row['last_modified_date_time'] = sourceTime
  row['deleted'] = 0
  setText(draft, 'cancel_state', order.cancelState)
  setText(draft, 'cancelled_date', order.cancelledDate)
  setText(draft, 'creation_date', order.creationDate)
  setText(draft, 'last_modified_date', order.lastModifiedDate)
  setText(draft, 'order_fulfillment_status', order.fulfillmentStatus)
  setText(draft, 'order_payment_status', order.paymentStatus)
  setText(draft, 'seller_id', order.sellerName)
  setText(draft, 'original_md5', order.digest)
  if (order.status === 'UNKNOWN') {
    const detail = `fulfillment '${row['order_fulfillment_status']}', payment '${row['order_payment_status']}', cancel '${row['cancel_state']}'`
    remarks.push({ kind: 'unknown-value', table: ORDER_TABLE, column: 'status', detail })
  }
}

const staleRemark = ({ newest }: Facts, sourceTime: number): Remark => ({
  kind: 'stale',
  table: ORDER_TABLE,
  column: 'last_modified_date_time',
  detail: `${newest - sourceTime} ms older than the newest snapshot`,
})

/** The state after an event: each row that did not change is the object it was, and so is the state when none did. */
const settled = (
  state: KeyState,
  before: Before,
  draft: Draft,
  originalDraft: DraftRow | undefined,
  lines: readonly Row[],
  time: number,
): Outcome => {
  const { row, facts, remarks } = draft
  const order = settle(before.order, row, time)
  const original = originalDraft && settle(before.original, originalDraft, time)
  const text = writeFacts(facts)
  const unchanged =
    order === before.order && original === before.original && lines === before.lines && text === before.facts?.['facts']
  if (unchanged) return { state, remarks }
  return {
    state: {
      [ORDER_TABLE]: order === before.order ? (state[ORDER_TABLE] ?? []) : [order],
      [DETAIL_TABLE]: lines,
      [ORIGINAL_TABLE]: original === undefined || original === before.original ? (state[ORIGINAL_TABLE] ?? []) : [original],
      [FACTS_TABLE]: text === before.facts?.['facts'] ? (state[FACTS_TABLE] ?? []) : [{ id: row['id'] ?? null, facts: text }],
    },
    remarks,
  }
}
