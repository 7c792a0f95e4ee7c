import type { Connection } from '@tributary/database'
import {
  createEvent,
  derivedEventId,
  EventError,
  type EventOf,
  ORDER_STATUSES,
  type OrderLine,
  type OrderStatus,
  orderHolder,
  orderKey,
  type PersonalPart,
} from '@tributary/events'
import type { Row } from '@tributary/projection'
import type { Vault } from '@tributary/vault'
import type { ReportBook } from './report.ts'
import { SELLER_TABLE } from './sellers.ts'
import { idOf, secondRows, textIn, unfitId } from './source.ts'

export const ORDER_TABLE = 'eg_order_order'
export const DETAIL_TABLE = 'eg_order_order_detail'
export const ORIGINAL_TABLE = 'eg_order_order_original'

/** Names of channels in the kinds of people that the vault knows (packages/channels: `ebay:user`). */
const CHANNELS = ['', 'ebay', 'tiktok', 'amazon', 'lazada']

/** An order with the rows that belong to it, each list by id. */
type SourceOrder = { row: Row; sellerId: string; lines: Row[]; original: Row | undefined }

/**
 * Makes the events that bring orders into being with the ids that their rows have: one snapshot an order, and before it
 * one more where lines are soft-deleted, which a snapshot that has them and one that lacks them make. What cannot be
 * carried over goes into the book. `rowIds` names rows that an order has none of. Throws DatabaseError, VaultError.
 */
export async function orderEvents(
  context: { source: Connection; vault: Vault; rowIds: { next(): number }; book: ReportBook },
  rows: readonly Row[],
): Promise<EventOf<'OrderReceived'>[]> {
  const orders = await withBelongings(context.source, rows, context.book)
  const snapshots = orders.flatMap((order) => snapshotsOf(order, context.book))
  const sealed = await context.vault.seal(
    snapshots.map(({ order, id }) => ({
      subject: subjectOf(context.vault, order.row),
      eventId: id,
      holder: orderHolder(
        Number(order.row['channel']),
        order.sellerId,
        textIn(order.row, 'order_id'),
        Number(order.row['order_app_seller_id']),
      ),
      plaintext: JSON.stringify(personalPart(order)),
    })),
  )
  return snapshots.flatMap((snapshot, index) => {
    const outcome = sealed[index]
    const event = eventOf(context, snapshot, outcome?.kind === 'sealed' ? outcome.jwe : null)
    return event ? [event] : []
  })
}

async function withBelongings(source: Connection, rows: readonly Row[], book: ReportBook): Promise<SourceOrder[]> {
  const fitting = await firstRows(
    source,
    rows.filter((row) => isFit(row, book)),
    book,
  )
  if (fitting.length === 0) return []
  const ids = fitting.map((row) => row['id'])
  const select = 'SELECT * FROM ?? WHERE order_id IN (?) ORDER BY id'
  const details = await source.query<Row[]>(select, [DETAIL_TABLE, ids])
  const originals = await source.query<Row[]>(select, [ORIGINAL_TABLE, ids])
  const sellers = await source.query<Row[]>('SELECT id, seller_id FROM ?? WHERE id IN (?)', [
    SELLER_TABLE,
    [...new Set(fitting.map((row) => row['order_app_seller_id']))],
  ])
  const sellerIds = new Map(sellers.map((seller) => [textIn(seller, 'id'), textIn(seller, 'seller_id')]))
  return fitting.flatMap((row): SourceOrder[] => {
    const sellerId = sellerIds.get(textIn(row, 'order_app_seller_id'))
    if (sellerId === undefined) {
      book.misfit(ORDER_TABLE, idOf(row), 'its order_app_seller_id names no seller; left out')
      return []
    }
    const [original, ...more] = originals.filter((one) => one['order_id'] === row['id'])
    for (const { id } of more) book.misfit(ORIGINAL_TABLE, Number(id), 'a second original of one order; left out')
    const lines = distinctLines(
      details.filter((one) => one['order_id'] === row['id']),
      book,
    )
    book.row(ORDER_TABLE)
    book.row(DETAIL_TABLE, lines.length)
    if (original) book.row(ORIGINAL_TABLE)
    return [{ row, sellerId, lines, original }]
  })
}

function isFit(row: Row, book: ReportBook): boolean {
  const why = unfitId(row['id']) ?? (row['deleted'] === 0 ? undefined : 'it is deleted')
  if (why === undefined) return true
  book.misfit(ORDER_TABLE, idOf(row), `${why}; left out`)
  return false
}

/** Of several rows of one order the first is the order, here as everywhere. */
async function firstRows(source: Connection, rows: readonly Row[], book: ReportBook): Promise<Row[]> {
  const columns = ['channel', 'order_app_seller_id', 'order_id']
  const second = await secondRows(source, { table: ORDER_TABLE, columns }, rows)
  return rows.filter((row) => {
    const isSecond = second.has(idOf(row))
    if (isSecond) book.misfit(ORDER_TABLE, idOf(row), 'a second row of one order; left out')
    return !isSecond
  })
}

/** A line is known by its id at the marketplace: of several rows with the same the live one counts, else the first. */
function distinctLines(rows: readonly Row[], book: ReportBook): Row[] {
  const lines = new Map<string, Row>()
  const leaveOut = (row: Row, why: string) => book.misfit(DETAIL_TABLE, idOf(row), `${why}; left out`)
  for (const row of rows) {
    const item = textIn(row, 'line_item_id')
    const why = item === '' ? 'a line without line_item_id' : unfitId(row['id'])
    const known = lines.get(item)
    const isBetter = known === undefined || (known['deleted'] !== 0 && row['deleted'] === 0)
    if (why !== undefined) leaveOut(row, why)
    else if (isBetter) lines.set(item, row)
    if (why === undefined && known !== undefined) leaveOut(isBetter ? known : row, 'a second row of one line')
  }
  return [...lines.values()].sort((one, other) => Number(one['id']) - Number(other['id']))
}

/** One event to be: the order with some of its lines. */
type Snapshot = { order: SourceOrder; id: string; lines: readonly Row[]; time: number }

function snapshotsOf(order: SourceOrder, book: ReportBook): Snapshot[] {
  const { row, lines, original } = order
  const id = Number(row['id'])
  if (!ORDER_STATUSES.includes(row['status'] as OrderStatus))
    book.misfit(ORDER_TABLE, id, 'status is none that is known here; it becomes UNKNOWN')
  if (original === undefined) book.misfit(ORIGINAL_TABLE, id, 'an order without original; it gets an empty one')
  const live = lines.filter((line) => line['deleted'] === 0)
  const snapshot = (part: number, held: readonly Row[], time: unknown): Snapshot => ({
    order,
    id: derivedEventId('import', ORDER_TABLE, id, part),
    lines: held,
    time: Number(time),
  })
  if (live.length === lines.length) return [snapshot(0, lines, row['create_time'])]
  return [snapshot(0, lines, row['create_time']), snapshot(1, live, row['update_time'])]
}

function subjectOf(vault: Vault, row: Row): string {
  const channel = CHANNELS[Number(row['channel'])] ?? `channel-${row['channel']}`
  const buyer = textIn(row, 'buyer_id')
  return buyer === '' ? vault.subject(`${channel}:order`, textIn(row, 'order_id')) : vault.subject(`${channel}:user`, buyer)
}

function eventOf(
  { vault, rowIds, book }: { vault: Vault; rowIds: { next(): number }; book: ReportBook },
  { order, id, lines, time }: Snapshot,
  jwe: string | null,
): EventOf<'OrderReceived'> | undefined {
  const { row, sellerId, original } = order
  const channel = Number(row['channel'])
  const orderId = textIn(row, 'order_id')
  try {
    return createEvent({
      id,
      type: 'OrderReceived',
      source: '/tributary/import',
      subject: `orders/${channel}/${sellerId}/${orderId}`,
      time,
      partitionkey: orderKey(channel, sellerId, orderId),
      data: {
        channel,
        sellerId,
        sellerRowId: Number(row['order_app_seller_id']),
        orderId,
        sourceTime: Math.max(0, Number(row['last_modified_date_time'])),
        origin: 'import',
        rowIds: {
          order: Number(row['id']),
          original: original ? Number(original['id']) : rowIds.next(),
          lines: Object.fromEntries(order.lines.map((line) => [textIn(line, 'line_item_id'), Number(line['id'])])),
        },
        order: normalOrder(row, lines),
        subject: subjectOf(vault, row),
        sealed: jwe,
        problems: [],
      },
    })
  } catch (error) {
    if (!(error instanceof EventError)) throw error
    book.misfit(ORDER_TABLE, idOf(row), `it can be no event (${error.message}); left out`)
    return undefined
  }
}

function normalOrder(row: Row, lines: readonly Row[]): EventOf<'OrderReceived'>['data']['order'] {
  const status = row['status'] as OrderStatus
  return {
    status: ORDER_STATUSES.includes(status) ? status : 'UNKNOWN',
    sellerName: textIn(row, 'seller_id'),
    cancelState: textIn(row, 'cancel_state'),
    cancelledDate: textIn(row, 'cancelled_date'),
    creationDate: textIn(row, 'creation_date'),
    creationTime: Number(row['creation_date_time']),
    lastModifiedDate: textIn(row, 'last_modified_date'),
    fulfillmentStatus: textIn(row, 'order_fulfillment_status'),
    paymentStatus: textIn(row, 'order_payment_status'),
    digest: textIn(row, 'original_md5'),
    lines: lines.map(
      (line): OrderLine => ({
        lineItemId: textIn(line, 'line_item_id'),
        quantity: Number(line['quantity']),
        title: textIn(line, 'title'),
        sku: textIn(line, 'sku'),
      }),
    ),
    linesComplete: true,
  }
}

function personalPart({ row, original }: SourceOrder): PersonalPart {
  const known = <K extends string>(columns: Record<K, string>) =>
    Object.fromEntries(
      Object.entries<string>(columns).flatMap(([field, column]) => {
        const text = textIn(row, column)
        return text === '' ? [] : [[field, text]]
      }),
    ) as Partial<Record<K, string>>
  return {
    buyer: known({
      id: 'buyer_id',
      name: 'buyer_name',
      phone: 'buyer_phone',
      email: 'buyer_email',
      taxId: 'buyer_tax_id',
      taxType: 'buyer_tax_type',
      companyName: 'buyer_company_name',
      remark: 'buyer_remark',
    }),
    receiver: known({
      addressLine1: 'receiver_address_line1',
      addressLine2: 'receiver_address_line2',
      addressDetail: 'receiver_address_detail',
      city: 'receiver_city',
      countryCode: 'receiver_country_code',
      province: 'receiver_province',
      postalCode: 'receiver_postal_code',
    }),
    original: String(original?.['original'] ?? ''),
  }
}
