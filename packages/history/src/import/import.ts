import type { Connection, Database } from '@tributary/database'
import type { EventLog } from '@tributary/event-log'
import { type Event, encodeEvent, ORDER_TOPIC } from '@tributary/events'
import type { Row } from '@tributary/projection'
import type { Vault } from '@tributary/vault'
import type { ArchiveProgress } from '../archive/export.ts'
import { DETAIL_TABLE, ORDER_TABLE, ORIGINAL_TABLE, orderEvents } from './orders.ts'
import { createReportBook, type ImportReport, type ReportBook } from './report.ts'
import { SELLER_TABLE, sellerEvents } from './sellers.ts'
import { countRows, openSource, readCheckpoint, rowsAfter, writeCheckpoint } from './source.ts'

export type ImportKind = 'orders' | 'sellers'
export const IMPORT_KINDS: readonly ImportKind[] = ['orders', 'sellers']

/** The tables of a kind, the one whose rows are counted first. */
export const TABLES_OF_KIND: Readonly<Record<ImportKind, readonly string[]>> = {
  orders: [ORDER_TABLE, DETAIL_TABLE, ORIGINAL_TABLE, SELLER_TABLE],
  sellers: [SELLER_TABLE],
}

const ROWS_AT_ONCE = 200

/**
 * Turns the rows of an existing system into events that carry the ids those rows have. Events are named after the rows,
 * so a second run appends nothing twice; where a run was interrupted the next goes on. The existing system is only read,
 * and should not be written meanwhile: rows that come or change behind the import are not seen. Sellers come first, because
 * orders point to them. Throws HistoryError HISTORY_SOURCE_INVALID, DatabaseError, EventLogError, VaultError.
 */
export async function importRows(options: {
  kind: ImportKind
  from: string
  database: Database
  log: EventLog
  vault: Vault
  rowIds: { next(): number }
  signal: AbortSignal
  onProgress?: (progress: ArchiveProgress) => void
}): Promise<ImportReport> {
  const { kind, from, database, log, signal, onProgress } = options
  const [table = ''] = TABLES_OF_KIND[kind]
  const source = await openSource(from, TABLES_OF_KIND[kind])
  const book = createReportBook()
  try {
    const total = await countRows(source.database, table)
    let last = await readCheckpoint(database, source, kind)
    let done = last === 0 ? 0 : await countUpTo(source.database, table, last)
    for (;;) {
      signal.throwIfAborted()
      const rows = await rowsAfter(source.database, table, last, ROWS_AT_ONCE)
      if (rows.length === 0) return book.report()
      const events = await eventsOf(options, source.database, rows, book)
      const outcomes = await log.append(ORDER_TOPIC, events.map(encodeEvent), { signal })
      book.appended(outcomes.filter(({ appended }) => appended).length)
      last = Number(rows.at(-1)?.['id'])
      await writeCheckpoint(database, source, kind, last)
      done += rows.length
      onProgress?.({ done, total })
    }
  } finally {
    await source.database.close()
  }
}

async function eventsOf(
  { kind, vault, rowIds }: Pick<Parameters<typeof importRows>[0], 'kind' | 'vault' | 'rowIds'>,
  source: Connection,
  rows: readonly Row[],
  book: ReportBook,
): Promise<Event[]> {
  if (kind === 'orders') return await orderEvents({ source, vault, rowIds, book }, rows)
  const events = await sellerEvents(vault, rows, book)
  book.row(SELLER_TABLE, events.length)
  return events
}

async function countUpTo(source: Connection, table: string, id: number): Promise<number> {
  const [row] = await source.query<{ count: number }[]>('SELECT COUNT(*) AS count FROM ?? WHERE id <= ?', [table, id])
  return Number(row?.count ?? 0)
}
