import { randomBytes } from 'node:crypto'
import type { Database } from '@tributary/database'
import { openEventLog } from '@tributary/event-log'
import { createRowIds, ORDER_TOPIC } from '@tributary/events'
import { migratedTestDatabase } from '@tributary/test/servers'
import { openVault } from '@tributary/vault'
import { expect } from 'chai'
import { importRows } from './import.ts'

describe('orders of sellers with several rows', () => {
  it('go under the one row that their seller has here, each once, so that no later word makes them anew', async () => {
    const [stage, old] = await Promise.all([migratedTestDatabase('sellers'), migratedTestDatabase('sellers_old')])
    const log = await openEventLog({ ...stage, partitions: 1 })
    const addSeller = (database: Database, id: number, name: string, deleted = 0) =>
      database.query(
        `INSERT INTO eg_order_app_seller (id, channel, seller_id, order_app_id, refresh_token, create_time, deleted)
         VALUES (?, 1, ?, 2, '', 1, ?)`,
        [id, name, deleted],
      )
    const addOrder = (id: number, seller: number, order: string) =>
      old.database.query(
        `INSERT INTO eg_order_order (id, channel, order_app_seller_id, order_id, status, create_time) VALUES (?, 1, ?, ?, 'SHIPPED', 1)`,
        [id, String(seller), order],
      )
    try {
      for (const [id, name, deleted] of [
        [4, 'shop', 4],
        [5, 'shop', 0],
        [6, 'shop', 0],
        [7, 'SHOP', 0],
        [8, 'gone', 8],
        [9, 'early', 0],
      ] as const)
        await addSeller(old.database, id, name, deleted)
      await addSeller(stage.database, 77, 'early')
      for (const [id, seller, order] of [
        [1, 5, 'a'],
        [2, 6, 'b'],
        [3, 4, 'c'],
        [10, 4, 'd'],
        [11, 5, 'd'],
        [12, 6, 'd'],
        [13, 7, 'd'],
        [14, 8, 'e'],
        [15, 9, 'f'],
      ] as const)
        await addOrder(id, seller, order)
      const report = await importRows({
        ...{ kind: 'orders', from: old.url, database: stage.database, log, rowIds: createRowIds({ worker: 0 }) },
        vault: await openVault({ ...stage, masterKeys: [randomBytes(32)] }),
        signal: new AbortController().signal,
      })
      const { events } = await log.read(ORDER_TOPIC, 0, 0)
      const found = events.map(({ event }) => JSON.parse(event.data))
      expect(found.map(({ rowIds, sellerRowId }) => [rowIds.order, sellerRowId])).to.deep.equal([
        [1, 5],
        [2, 5],
        [3, 5],
        [11, 5],
        [13, 7],
        [14, 8],
        [15, 77],
      ])
      const of = (reason: string) => report.examples.filter((one) => one.reason.includes(reason)).map(({ id }) => id)
      expect(of('another row here')).to.deep.equal([2, 3, 15])
      expect(of('a second row of one order')).to.deep.equal([10, 12])
    } finally {
      await log.close()
      await Promise.all([stage.drop(), old.drop()])
    }
  })
})
