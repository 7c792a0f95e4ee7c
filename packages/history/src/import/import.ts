import type { Connection, Database } from '@tributary/database'
import { type EventLog, MAX_DATA_BYTES } from '@tributary/event-log'
import { CONTACT_TOPIC, type Event, encodeEvent, ORDER_TOPIC, type StoredEvent, type Topic } from '@tributary/events'
import type { Cell, Row } from '@tributary/projection'
import type { Vault } from '@tributary/vault'
import type { ArchiveProgress } from '../archive/export.ts'
import { batchesOf } from '../contents.ts'
import { HistoryError } from '../errors.ts'
import { DETAIL_TABLE, ORDER_TABLE, ORIGINAL_TABLE, orderEvents } from './orders.ts'
import { createReportBook, type ImportReport, type ReportBook } from './report.ts'
import { noteSecondSellers, SELLER_TABLE, sellerEvents } from './sellers.ts'
import { countRows, openSource, partsOfOrders, readCheckpoint, rowsAfter, writeCheckpoint } from './source.ts'
import type { WeworkImport } from './wework/contact.ts'
import { WEWORK_PASSES } from './wework/passes.ts'

export type ImportKind = 'orders' | 'sellers' | 'wework'
export const IMPORT_KINDS: readonly ImportKind[] = ['orders', 'sellers', 'wework']

/** The tables that a kind reads. */
export const TABLES_OF_KIND: Readonly<Record<ImportKind, readonly string[]>> = {
  orders: [ORDER_TABLE, DETAIL_TABLE, ORIGINAL_TABLE, SELLER_TABLE],
  sellers: [SELLER_TABLE],
  wework: WEWORK_PASSES.map(({ table }) => table),
}

/** Where the events of a kind go. */
export const TOPIC_OF_KIND: Readonly<Record<ImportKind, Topic>> = {
  orders: ORDER_TOPIC,
  sellers: ORDER_TOPIC,
  wework: CONTACT_TOPIC,
}

const ROWS_AT_ONCE = 200

type ImportOptions = {
  kind: ImportKind
  from: string
  database: Database
  log: EventLog
  vault: Vault
  rowIds: { next(): number }
  /** Whose the rows are; needed for `wework`. */
  wework?: WeworkImport
  signal: AbortSignal
  onProgress?: (progress: ArchiveProgress) => void
}

/**
 * Turns the rows of an existing system into events that carry the ids those rows have. Events are named after the rows,
 * so a second run appends nothing twice; where a run was interrupted the next goes on. The existing system is only read,
 * and should not be written meanwhile: rows that come or change behind the import are not seen. Sellers come first, because
 * orders point to them. Throws HistoryError HISTORY_SOURCE_INVALID, DatabaseError, EventLogError, VaultError.
 */
export async function importRows(options: ImportOptions): Promise<ImportReport> {
  const { kind, from, database, signal, onProgress } = options
  const source = await openSource(from, TABLES_OF_KIND[kind])
  const book = createReportBook()
  try {
    const passes = passesOf(options, source.database, book)
    let total = 0
    for (const { table } of passes) total += await countRows(source.database, table)
    let done = 0
    for (const { name, table, partsOf = async (rows: Row[]) => [rows], eventsOf } of passes) {
      let last = await readCheckpoint(database, source, name)
      if (last !== 0) done += await countUpTo(source.database, table, last)
      for (;;) {
        signal.throwIfAborted()
        const rows = await rowsAfter(source.database, table, last, ROWS_AT_ONCE)
        if (rows.length === 0) break
        for (const part of await partsOf(rows)) await append(options, encodedToFit(await eventsOf(part), book), book)
        last = rows.at(-1)?.['id'] ?? 0
        await writeCheckpoint(database, source, name, last)
        done += rows.length
        onProgress?.({ done, total })
      }
    }
    return book.report()
  } finally {
    await source.database.close()
  }
}

async function append({ kind, log, signal }: ImportOptions, events: readonly StoredEvent[], book: ReportBook): Promise<void> {
  for (const batch of batchesOf(events)) {
    const outcomes = await log.append(TOPIC_OF_KIND[kind], batch, { signal })
    book.appended(outcomes.filter(({ appended }) => appended).length)
  }
}

/** One walk through a table; `name` is that of its checkpoint. What belongs to the rows of a part is held at once. */
type Pass = {
  name: string
  table: string
  partsOf?(rows: Row[]): Promise<Row[][]>
  eventsOf(rows: readonly Row[]): Promise<Event[]>
}

function passesOf({ kind, database, vault, rowIds, wework }: ImportOptions, source: Connection, book: ReportBook): Pass[] {
  switch (kind) {
    case 'orders':
      return [
        {
          ...{ name: kind, table: ORDER_TABLE },
          partsOf: (rows) => partsOfOrders(source, rows),
          eventsOf: (rows) => orderEvents({ source, database, vault, rowIds, book }, rows),
        },
      ]
    case 'sellers':
      return [
        {
          ...{ name: kind, table: SELLER_TABLE },
          eventsOf: async (rows) => {
            await noteSecondSellers(source, rows, book)
            return await sellerEvents(vault, rows, book)
          },
        },
      ]
    case 'wework': {
      if (!wework) throw new HistoryError('HISTORY_SOURCE_INVALID', 'Rows of WeCom need to be told whose they are.')
      const context = { ...wework, source, vault, rowIds, book }
      return WEWORK_PASSES.map(({ table, eventsOf }) => ({ name: table, table, eventsOf: (rows) => eventsOf(context, rows) }))
    }
  }
}

/** An order that no log takes is left out and named: the others need not wait for somebody to take it away. */
function encodedToFit(events: readonly Event[], book: ReportBook): StoredEvent[] {
  return events.flatMap((event) => {
    const encoded = encodeEvent(event)
    if (event.type !== 'OrderReceived' || Buffer.byteLength(encoded.data) <= MAX_DATA_BYTES) return [encoded]
    book.misfit(ORDER_TABLE, event.data.rowIds.order, `larger than an event may be (${MAX_DATA_BYTES} bytes); left out`)
    return []
  })
}

async function countUpTo(source: Connection, table: string, id: Cell): Promise<number> {
  const [row] = await source.query<{ count: number }[]>('SELECT COUNT(*) AS count FROM ?? WHERE id <= ?', [table, id])
  return Number(row?.count ?? 0)
}
