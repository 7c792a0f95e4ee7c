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
import type { Cell, Row } from '@tributary/projection'
import type { Vault } from '@tributary/vault'
import type { ReportBook } from './report.ts'
import { type SellerPlace, sellerPlaces } from './seller-rows.ts'
import { idOf, textIn, unfitId } from './source.ts'

export const ORDER_TABLE = 'eg_order_order'
export const DETAIL_TABLE = 'eg_order_order_detail'
export const ORIGINAL_TABLE = 'eg_order_order_original'

/** Names of channels in the kinds of people that the vault knows (packages/channels: `ebay:user`). */
const CHANNELS = ['', 'ebay', 'tiktok', 'amazon', 'lazada']

/** An order with the rows that belong to it, each list by id. */
type SourceOrder = { row: Row; seller: SellerPlace; lines: Row[]; original: Row | undefined }

/**
 * Makes the events that bring orders into being with the ids that their rows have: one snapshot an order, and before it
 * one more where lines are soft-deleted, which a snapshot that has them and one that lacks them make. What cannot be
 * carried over goes into the book. `rowIds` names rows that an order has none of. Throws DatabaseError, VaultError.
 */
export async function orderEvents(
  context: { source: Connection; database: Connection; vault: Vault; rowIds: { next(): number }; book: ReportBook },
  rows: readonly Row[],
): Promise<EventOf<'OrderReceived'>[]> {
  const orders = await withBelongings(context, rows)
  const snapshots = orders.flatMap((order) => snapshotsOf(order, context.book))
  const sealed = await context.vault.seal(
    snapshots.map(({ order, id }) => ({
      subject: subjectOf(context.vault, order.row),
      eventId: id,
      holder: orderHolder(
        Number(order.row['channel']),
        order.seller.sellerId,
        textIn(order.row, 'order_id'),
        order.seller.here,
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

async function withBelongings(
  { source, database, book }: { source: Connection; database: Connection; book: ReportBook },
  rows: readonly Row[],
): Promise<SourceOrder[]> {
  const fitting = await withSellers(
    { source, database, book },
    rows.filter((row) => isFit(row, book)),
  )
  if (fitting.length === 0) return []
  const ids = fitting.map(({ row }) => row['id'])
  const select = 'SELECT * FROM ?? WHERE order_id IN (?) ORDER BY id'
  const details = await source.query<Row[]>(select, [DETAIL_TABLE, ids])
  const originals = await source.query<Row[]>(select, [ORIGINAL_TABLE, ids])
  return fitting.map(({ row, seller }): SourceOrder => {
    const [original, ...more] = originals.filter((one) => one['order_id'] === row['id'])
    for (const { id } of more) book.misfit(ORIGINAL_TABLE, Number(id), 'a second original of one order; left out')
    const lines = distinctLines(
      details.filter((one) => one['order_id'] === row['id']),
      book,
    )
    book.row(ORDER_TABLE)
    book.row(DETAIL_TABLE, lines.length)
    if (original) book.row(ORIGINAL_TABLE)
    return { row, seller, lines, original }
  })
}

function isFit(row: Row, book: ReportBook): boolean {
  const why = unfitId(row['id']) ?? (row['deleted'] === 0 ? undefined : 'it is deleted')
  if (why === undefined) return true
  book.misfit(ORDER_TABLE, idOf(row), `${why}; left out`)
  return false
}

type Placed = { row: Row; seller: SellerPlace }

/** Orders with their sellers. Of several rows of one order the first is the order, here as everywhere, of those under the seller's row. */
async function withSellers(
  { source, database, book }: { source: Connection; database: Connection; book: ReportBook },
  rows: readonly Row[],
): Promise<Placed[]> {
  if (rows.length === 0) return []
  const leaveOut = (row: Row, why: string) => book.misfit(ORDER_TABLE, idOf(row), `${why}; left out`)
  const placeOf = await sellerPlaces({ source, database }, rows)
  const placed = rows.flatMap((row): Placed[] => {
    const seller = placeOf(row)
    if (!seller) leaveOut(row, 'its order_app_seller_id names no seller')
    return seller ? [{ row, seller }] : []
  })
  const best = await bestRows(source, placed)
  return placed.filter(({ row, seller }) => {
    if (best.get(nameOf(row, seller)) !== row['id']) {
      leaveOut(row, 'a second row of one order')
      return false
    }
    if (seller.own !== String(seller.here))
      book.misfit(ORDER_TABLE, idOf(row), 'its seller has another row here; order_app_seller_id becomes that')
    return true
  })
}

/** Under one row of its seller, an order is known by its id, letter by letter. */
const nameOf = (row: Row, { here }: SellerPlace): string => JSON.stringify([row['channel'], here, row['order_id']])

/** The id of the row that counts of each order. */
async function bestRows(source: Connection, placed: readonly Placed[]): Promise<Map<string, Cell>> {
  if (placed.length === 0) return new Map()
  const wanted = placed.flatMap(({ row, seller }) => seller.all.map((own) => [row['channel'], own, row['order_id']]))
  const all = await source.query<Row[]>(
    `SELECT id, channel, order_app_seller_id, order_id FROM ??
     WHERE deleted = 0 AND (channel, order_app_seller_id, order_id) IN (?) ORDER BY id`,
    [ORDER_TABLE, wanted],
  )
  const places = new Map(placed.flatMap(({ seller }) => seller.all.map((own) => [own, seller])))
  const rows = all.flatMap((row) => {
    const own = textIn(row, 'order_app_seller_id')
    const seller = places.get(own)
    return seller && unfitId(row['id']) === undefined ? [{ row, seller, isOther: own !== String(seller.here) }] : []
  })
  const best = new Map<string, Cell>()
  for (const { row, seller } of rows.sort((one, other) => Number(one.isOther) - Number(other.isOther)))
    if (!best.has(nameOf(row, seller))) best.set(nameOf(row, seller), row['id'] ?? null)
  return best
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
  const { row, original } = order
  const { sellerId, here: sellerRowId } = order.seller
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
        sellerRowId,
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
