import type { Channel, ModifiedWindow } from '@tributary/channels'
import type { Connection } from '@tributary/database'
import type { SellerName } from './context.ts'

/** The next page of a window that was not read to its end. */
export type Walk = { window: ModifiedWindow; page: string }

/**
 * Where a seller's window goes on, if its last reading stopped there and the marketplace still knows the page. Where calls are as
 * few as Amazon's, a window that began anew after each stop would never come to its end.
 */
export async function unfinishedWalk(
  connection: Connection,
  { channel, sellerId }: SellerName,
  { pagesLast = 0 }: Pick<Channel, 'pagesLast'>,
): Promise<Walk | undefined> {
  if (pagesLast === 0) return undefined
  const [row] = await connection.query<{ window_from: number; window_to: number; page: string }[]>(
    `SELECT window_from, window_to, page FROM tributary_poll_walk
     WHERE channel = ? AND seller_id = ? AND walked_time > ?`,
    [channel, sellerId, Date.now() - pagesLast],
  )
  return row && { window: { from: row.window_from, to: row.window_to }, page: row.page }
}

/** Notes the next page, for a channel whose pages last. */
export async function keepWalk(
  connection: Connection,
  { channel, sellerId }: SellerName,
  { pagesLast = 0 }: Pick<Channel, 'pagesLast'>,
  { window, page }: Walk,
): Promise<void> {
  if (pagesLast === 0) return
  await connection.query(
    `REPLACE INTO tributary_poll_walk (channel, seller_id, window_from, window_to, page, walked_time) VALUES (?)`,
    [[channel, sellerId, window.from, window.to, page, Date.now()]],
  )
}

/** The window was read to its end, or its page is of no use: the next reading begins anew. */
export async function dropWalk(connection: Connection, { channel, sellerId }: SellerName): Promise<void> {
  await connection.query('DELETE FROM tributary_poll_walk WHERE channel = ? AND seller_id = ?', [channel, sellerId])
}
