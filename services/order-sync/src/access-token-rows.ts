import type { Connection, Database, WriteResult } from '@tributary/database'
import type { SellerName } from './context.ts'

/** What stands between a seller's grant and the next call. Grants are named by the id of the event that carries them. */
export type TokenRow = {
  /** The grant that the token came from. */
  grantId: string
  /** The access token; null when there is none. */
  sealed: string | null
  refreshTime: number
  expiresTime: number
  claimedBy: string | null
  /** With `claimedBy` the end of its claim, without it the time before which nobody tries again. */
  claimedUntil: number
  failures: number
  /** The grant that the marketplace refused; nothing but another grant helps. */
  refusedGrantId: string
  /** The grant that the marketplace replaced, and as text the `SellerTokenRotated` that says so. */
  rotatedFrom: string
  rotatedTo: string | null
}

const OF_SELLER = 'channel = ? AND seller_id = ?'

/** The row of a seller, made when it is missing. */
export async function loadTokenRow(connection: Connection, seller: SellerName): Promise<TokenRow> {
  const found = await findTokenRow(connection, seller)
  if (found) return found
  await connection.query('INSERT IGNORE INTO tributary_access_token (channel, seller_id) VALUES (?, ?)', nameOf(seller))
  return (await findTokenRow(connection, seller)) ?? loadTokenRow(connection, seller)
}

/** Takes the right to refresh until `until`, if the row still is as `seen`. */
export async function claimRefresh(
  database: Database,
  seller: SellerName,
  { seen, owner, until }: { seen: TokenRow; owner: string; until: number },
): Promise<boolean> {
  const { affectedRows } = await database.query<WriteResult>(
    `UPDATE tributary_access_token SET claimed_by = ?, claimed_until = ?
     WHERE ${OF_SELLER} AND claimed_by <=> ? AND claimed_until = ? AND expires_time = ? AND grant_id = ? AND refused_grant_id = ?`,
    [owner, until, ...nameOf(seller), seen.claimedBy, seen.claimedUntil, seen.expiresTime, seen.grantId, seen.refusedGrantId],
  )
  return affectedRows === 1
}

/** Ends the claim with a new token. */
export async function keepToken(
  connection: Connection,
  seller: SellerName,
  owner: string,
  token: Pick<TokenRow, 'grantId' | 'sealed' | 'refreshTime' | 'expiresTime'>,
): Promise<void> {
  await endClaim(connection, seller, owner, {
    grant_id: token.grantId,
    sealed: token.sealed,
    refresh_time: token.refreshTime,
    expires_time: token.expiresTime,
    claimed_until: 0,
    failures: 0,
  })
}

/**
 * Notes what took the place of the token that the sellers projection shows as `shown`, until it shows that. When it shows another by now,
 * somebody consented anew, and what is noted may be the successor of that.
 */
export async function keepRotation(
  connection: Connection,
  seller: SellerName,
  rotation: Pick<TokenRow, 'rotatedFrom' | 'rotatedTo'> & { shown: string },
): Promise<void> {
  await connection.query(
    `UPDATE tributary_access_token SET rotated_from = ?, rotated_to = ? WHERE ${OF_SELLER} AND EXISTS
       (SELECT 1 FROM eg_order_app_seller WHERE ${OF_SELLER} AND refresh_token = ? AND deleted = 0)`,
    [rotation.rotatedFrom, rotation.rotatedTo, ...nameOf(seller), ...nameOf(seller), rotation.shown],
  )
}

/** Ends the claim: the marketplace refused this grant. */
export async function keepRefusal(connection: Connection, seller: SellerName, owner: string, grantId: string): Promise<void> {
  await endClaim(connection, seller, owner, {
    refused_grant_id: grantId,
    sealed: null,
    refresh_time: 0,
    expires_time: 0,
    claimed_until: 0,
    failures: 0,
  })
}

/** Ends the claim without a token; nobody tries again before `until`. */
export async function keepFailure(
  connection: Connection,
  seller: SellerName,
  owner: string,
  { until, failures }: { until: number; failures: number },
): Promise<void> {
  await endClaim(connection, seller, owner, { claimed_until: until, failures })
}

/** Forgets exactly this token; another that took its place meanwhile stays. */
export async function forgetToken(connection: Connection, seller: SellerName, sealed: string): Promise<void> {
  await connection.query(
    `UPDATE tributary_access_token SET sealed = NULL, refresh_time = 0, expires_time = 0 WHERE ${OF_SELLER} AND sealed = ?`,
    [...nameOf(seller), sealed],
  )
}

/** The grants that were refused, by seller. */
export async function listRefusedGrants(connection: Connection): Promise<(SellerName & { grantId: string })[]> {
  const rows = await connection.query<{ channel: number; seller_id: string; refused_grant_id: string }[]>(
    "SELECT channel, seller_id, refused_grant_id FROM tributary_access_token WHERE refused_grant_id <> ''",
  )
  return rows.map((row) => ({ channel: row.channel, sellerId: row.seller_id, grantId: row.refused_grant_id }))
}

async function endClaim(
  connection: Connection,
  seller: SellerName,
  owner: string,
  columns: Readonly<Record<string, string | number | null>>,
): Promise<void> {
  const assignments = Object.keys(columns).map((column) => `${column} = ?`)
  await connection.query(
    `UPDATE tributary_access_token SET claimed_by = NULL, ${assignments.join(', ')} WHERE ${OF_SELLER} AND claimed_by = ?`,
    [...Object.values(columns), ...nameOf(seller), owner],
  )
}

type TokenRecord = {
  grant_id: string
  sealed: string | null
  refresh_time: number
  expires_time: number
  claimed_by: string | null
  claimed_until: number
  failures: number
  refused_grant_id: string
  rotated_from: string
  rotated_to: string | null
}

async function findTokenRow(connection: Connection, seller: SellerName): Promise<TokenRow | undefined> {
  const [row] = await connection.query<TokenRecord[]>(
    `SELECT grant_id, sealed, refresh_time, expires_time, claimed_by, claimed_until, failures, refused_grant_id, rotated_from,
       rotated_to
     FROM tributary_access_token WHERE ${OF_SELLER}`,
    nameOf(seller),
  )
  if (!row) return undefined
  return {
    grantId: row.grant_id,
    sealed: row.sealed,
    refreshTime: row.refresh_time,
    expiresTime: row.expires_time,
    claimedBy: row.claimed_by,
    claimedUntil: row.claimed_until,
    failures: row.failures,
    refusedGrantId: row.refused_grant_id,
    rotatedFrom: row.rotated_from,
    rotatedTo: row.rotated_to,
  }
}

const nameOf = ({ channel, sellerId }: SellerName): [number, string] => [channel, sellerId]
