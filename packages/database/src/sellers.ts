import type { Connection } from './database.ts'

/**
 * A row of `eg_order_app_seller`: a shop that authorized an app. `refreshToken` is sealed; it is empty when the shop has
 * withdrawn its authorization. `spiServerCodes` are the receivers of its orders. `authorizedTime` is when its grant was given, as the
 * projection notes it in `attach_info`; undefined in a row that somebody else wrote. Times are in milliseconds since 1970.
 */
export type SellerRow = {
  id: number
  channel: number
  sellerId: string
  orderAppId: number
  region: string
  spiServerCodes: string[]
  refreshToken: string
  refreshTokenExpiresTime: number
  authorizedTime?: number
  createTime: number
  updateTime: number
}

const COLUMNS = `id, channel, seller_id, order_app_id, region, spi_server_codes, refresh_token, refresh_token_expires_time,
  attach_info, create_time, update_time`

/** The live row of a seller, undefined when there is none. Of several the one with the lowest id counts. */
export async function findSeller(connection: Connection, channel: number, sellerId: string): Promise<SellerRow | undefined> {
  const rows = await connection.query<SellerRecord[]>(
    `SELECT ${COLUMNS} FROM eg_order_app_seller WHERE channel = ? AND seller_id = ? AND deleted = 0 ORDER BY id`,
    [channel, sellerId],
  )
  // The column's collation takes 'abc' and 'ABC' for the same; marketplaces do not.
  return rows.map(toSeller).find((seller) => seller.sellerId === sellerId)
}

/** Every seller with a live row, of one channel or of all, by id. Of several rows of one the lowest id counts. */
export async function listSellers(connection: Connection, channel?: number): Promise<SellerRow[]> {
  const rows = await connection.query<SellerRecord[]>(
    `SELECT ${COLUMNS} FROM eg_order_app_seller
     WHERE deleted = 0 ${channel === undefined ? '' : 'AND channel = ?'} ORDER BY id`,
    channel === undefined ? [] : [channel],
  )
  const first = new Map<string, SellerRow>()
  for (const seller of rows.map(toSeller)) {
    const key = `${seller.channel}:${seller.sellerId}`
    if (!first.has(key)) first.set(key, seller)
  }
  return [...first.values()]
}

type SellerRecord = {
  id: number
  channel: number
  seller_id: string
  order_app_id: number
  region: string
  spi_server_codes: string
  refresh_token: string | null
  refresh_token_expires_time: number
  attach_info: string | null
  create_time: number
  update_time: number
}

function toSeller(row: SellerRecord): SellerRow {
  const authorizedTime = authorizedTimeIn(row.attach_info)
  return {
    id: row.id,
    channel: row.channel,
    sellerId: row.seller_id,
    orderAppId: row.order_app_id,
    region: row.region,
    spiServerCodes: row.spi_server_codes
      .split(',')
      .map((code) => code.trim())
      .filter((code) => code !== ''),
    refreshToken: row.refresh_token ?? '',
    refreshTokenExpiresTime: row.refresh_token_expires_time,
    ...(authorizedTime === undefined ? {} : { authorizedTime }),
    createTime: row.create_time,
    updateTime: row.update_time,
  }
}

function authorizedTimeIn(attachInfo: string | null): number | undefined {
  try {
    const time: unknown = JSON.parse(attachInfo ?? '{}')?.authorizedTime
    return Number.isSafeInteger(time) ? (time as number) : undefined
  } catch {
    return undefined
  }
}
