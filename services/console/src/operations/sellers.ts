import { listSellers, pollAtOnce } from '@tributary/database'
import { Problem } from '@tributary/runtime'
import { type Static, Type } from 'typebox'
import type { Operation } from '../operation.ts'
import { closed, Id, Nothing, Time } from '../schemas.ts'

const Seller = Type.Object(
  {
    id: Id,
    channel: Type.Integer(),
    sellerId: Type.String(),
    appId: Id,
    region: Type.String(),
    spiServerCodes: Type.Array(Type.String()),
    grant: Type.Enum(['standing', 'ended'], { description: 'Whether the seller must consent again.' }),
    grantEnds: Type.Union([Time, Type.Null()], {
      description: 'Milliseconds since 1970; null when it does not end by itself.',
    }),
    createTime: Time,
    updateTime: Time,
  },
  closed,
)
const Sellers = Type.Object({ sellers: Type.Array(Seller) }, closed)
const SellerPath = Type.Object({ id: Type.String({ pattern: '^[1-9][0-9]{0,15}$' }) }, closed)
const Sync = Type.Object({ id: Id, channel: Type.Integer(), sellerId: Type.String() }, closed)

export const SELLER_OPERATIONS: readonly Operation[] = [
  {
    ...{ method: 'get', path: '/v1/sellers', scope: 'read', parameters: Nothing, query: Nothing },
    summary: 'Shops that authorized an app.',
    answers: { 200: { description: 'Every seller.', schema: Sellers } },
    async run({ database }) {
      const sellers = (await listSellers(database)).map(
        (row): Static<typeof Seller> => ({
          id: row.id,
          channel: row.channel,
          sellerId: row.sellerId,
          appId: row.orderAppId,
          region: row.region,
          spiServerCodes: row.spiServerCodes,
          grant: row.refreshToken === '' ? 'ended' : 'standing',
          grantEnds: row.refreshTokenExpiresTime === 0 ? null : row.refreshTokenExpiresTime,
          createTime: row.createTime,
          updateTime: row.updateTime,
        }),
      )
      return { status: 200, body: { sellers } }
    },
  },
  {
    ...{ method: 'post', path: '/v1/sellers/{id}/sync', scope: 'operate', parameters: SellerPath, query: Nothing },
    summary: 'Reads what has changed at the marketplace now, instead of at the next poll.',
    answers: { 202: { description: 'It is asked for; order-sync does it.', schema: Sync } },
    async run({ database }, { path }) {
      const id = Number((path as Static<typeof SellerPath>).id)
      const seller = (await listSellers(database)).find((row) => row.id === id)
      if (!seller) throw new Problem(404, 'SELLER_UNKNOWN', 'No seller has this row id. See: GET /v1/sellers')
      if (seller.refreshToken === '')
        throw new Problem(409, 'SELLER_MUST_CONSENT', 'The consent of this seller has ended; only a new one helps.')
      await pollAtOnce(database, [seller])
      return { status: 202, body: { id, channel: seller.channel, sellerId: seller.sellerId } }
    },
  },
]
