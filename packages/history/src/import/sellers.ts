import type { Connection } from '@tributary/database'
import { createEvent, derivedEventId, EventError, type EventOf, sellerKey } from '@tributary/events'
import type { Cell, Row } from '@tributary/projection'
import type { Vault } from '@tributary/vault'
import type { ReportBook } from './report.ts'
import { idOf, secondRows, textIn, unfitId } from './source.ts'

export const SELLER_TABLE = 'eg_order_app_seller'

/** Makes the event that brings a seller's row into being with the id that it has. The refresh token is sealed on the way. */
export async function sellerEvents(
  vault: Vault,
  rows: readonly Row[],
  book: ReportBook,
): Promise<EventOf<'SellerAuthorized'>[]> {
  const fitting = rows.filter((row) => fits(row, book))
  for (const row of fitting)
    if (!isEmptyInfo(row['attach_info'] ?? null))
      book.misfit(SELLER_TABLE, idOf(row), 'its attach_info has no place in an event; ours takes its place')
  const events = fitting.map((row) => ({ row, id: derivedEventId('import', SELLER_TABLE, Number(row['id'])), key: keyOf(row) }))
  const withToken = events.filter(({ row }) => textIn(row, 'refresh_token') !== '')
  const sealed = await vault.seal(
    withToken.map(({ row, id, key }) => ({
      subject: vault.subject('seller', key),
      eventId: id,
      plaintext: textIn(row, 'refresh_token'),
    })),
  )
  const jwes = new Map(withToken.map(({ id }, index) => [id, sealed[index]]))
  return events.flatMap(({ row, id, key }) => {
    const outcome = jwes.get(id)
    const jwe = outcome?.kind === 'sealed' ? outcome.jwe : null
    try {
      const event = sellerEvent(row, { id, key, subject: vault.subject('seller', key), jwe })
      book.row(SELLER_TABLE)
      return [event]
    } catch (error) {
      if (!(error instanceof EventError)) throw error
      book.misfit(SELLER_TABLE, idOf(row), `it can be no event (${error.message}); left out`)
      return []
    }
  })
}

/** Says which rows are of a seller that has one already, say under another app: there is one row a seller here, the first. */
export async function noteSecondSellers(source: Connection, rows: readonly Row[], book: ReportBook): Promise<void> {
  const live = rows.filter((row) => row['deleted'] === 0)
  const second = await secondRows(source, { table: SELLER_TABLE, columns: ['channel', 'seller_id'] }, live)
  for (const row of live)
    if (second.has(idOf(row)))
      book.misfit(SELLER_TABLE, idOf(row), 'a second row of one seller; the newer token and app go into the first')
}

/** Whether a seller's `attach_info` of the existing system says nothing. */
export const isEmptyInfo = (info: Cell): boolean => info === null || info === '' || info === '{}'

const keyOf = (row: Row): string => sellerKey(Number(row['channel']), textIn(row, 'seller_id'))

function fits(row: Row, book: ReportBook): boolean {
  const why = unfitId(row['id']) ?? (row['deleted'] === 0 ? undefined : 'it is deleted')
  if (why === undefined) return true
  book.misfit(SELLER_TABLE, idOf(row), `${why}; left out`)
  return false
}

function sellerEvent(
  row: Row,
  { id, key, subject, jwe }: { id: string; key: string; subject: string; jwe: string | null },
): EventOf<'SellerAuthorized'> {
  const channel = Number(row['channel'])
  const sellerId = textIn(row, 'seller_id')
  const time = Number(row['create_time'])
  return createEvent({
    id,
    type: 'SellerAuthorized',
    source: '/tributary/import',
    subject: `sellers/${channel}/${sellerId}`,
    time,
    partitionkey: key,
    data: {
      channel,
      sellerId,
      rowId: Number(row['id']),
      appId: Number(row['order_app_id']),
      sellerName: '',
      region: textIn(row, 'region'),
      spiServerCodes: textIn(row, 'spi_server_codes')
        .split(',')
        .map((code) => code.trim())
        .filter((code) => code !== ''),
      authorizedTime: Number(row['update_time']) || time,
      subject,
      sealed: jwe,
      refreshTokenExpiresIn: Math.max(0, Number(row['refresh_token_expires_in'])),
      refreshTokenExpiresTime: Math.max(0, Number(row['refresh_token_expires_time'])),
    },
  })
}
