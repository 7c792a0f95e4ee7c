import { randomBytes } from 'node:crypto'
import { openEventLog } from '@tributary/event-log'
import { createRowIds, ORDER_TOPIC } from '@tributary/events'
import type { Cell, Row } from '@tributary/projection'
import { migratedTestDatabase } from '@tributary/test/servers'
import { openVault } from '@tributary/vault'
import { expect } from 'chai'
import { importRows } from './import.ts'
import { partsOfOrders, rowsAfter } from './source.ts'

/** A text that hardly becomes smaller; sealed it has four bytes for three. */
const original = (bytes: number): string => randomBytes((bytes * 3) / 4).toString('base64')
const MB = 1024 * 1024

describe('large orders of an existing system', function () {
  this.timeout(60_000)

  it('are more than one call of the log takes, and one that is too large by itself is left out and named', async () => {
    const stage = await migratedTestDatabase('import_large')
    const { database, url } = stage
    const log = await openEventLog({ url, database, partitions: 1 })
    try {
      await database.query(
        "INSERT INTO eg_order_app_seller (id, channel, seller_id, order_app_id, refresh_token, create_time) VALUES (5, 1, 'shop', 2, '', 1)",
      )
      for (const [id, size] of [1, 2, 3, 4, 5, 6].map((number) => [number, number === 3 ? 12 * MB : 8 * MB] as const)) {
        await database.query(
          `INSERT INTO eg_order_order (id, channel, order_app_seller_id, order_id, status, original_md5, create_time)
           VALUES (?, 1, '5', ?, 'SHIPPED', ?, 1)`,
          [id, `12-${id}`, 'a'.repeat(32)],
        )
        await database.query('INSERT INTO eg_order_order_original (id, order_id, original, create_time) VALUES (?, ?, ?, 1)', [
          ...[id + 100, id, original(size)],
        ])
      }
      const report = await importRows({
        ...{ kind: 'orders', from: url, database, log, rowIds: createRowIds({ worker: 0 }) },
        vault: await openVault({ database, masterKeys: [randomBytes(32)] }),
        signal: new AbortController().signal,
      })
      expect(report.appended, JSON.stringify(report)).to.equal(5)
      expect(report.examples.filter(({ reason }) => reason.includes('larger'))).to.deep.equal([
        { table: 'eg_order_order', id: 3, reason: 'larger than an event may be (12582912 bytes); left out' },
      ])
      expect(await log.ends(ORDER_TOPIC)).to.deep.equal([5])
    } finally {
      await log.close()
      await stage.drop()
    }
  })

  it('are held 32 MB of originals at a time, while they are read and while they are compared', async () => {
    const { database, drop } = await migratedTestDatabase('import_wide')
    try {
      for (const [id, size] of [10, 10, 10, 15, 1, 1].map((size, index) => [index + 1, size * MB] as const))
        await database.query(
          "INSERT INTO eg_order_order_original (id, order_id, original, create_time) VALUES (?, ?, REPEAT('x', ?), 1)",
          [id, id === 5 ? 4 : id, size],
        )
      const ids = (rows: readonly Row[]) => rows.map(({ id }) => id)
      const orders = [1, 2, 3, 4, 6, 7].map((id) => ({ id }))
      expect((await partsOfOrders(database, orders)).map(ids)).to.deep.equal([
        [1, 2, 3],
        [4, 6, 7],
      ])
      const pages: Row[][] = []
      for (let last: Cell = 0; ; last = pages.at(-1)?.at(-1)?.['id'] ?? 0) {
        const page = await rowsAfter(database, 'eg_order_order_original', last, 500)
        if (page.length === 0) break
        pages.push(page)
      }
      expect(pages.map(ids)).to.deep.equal([
        [1, 2, 3],
        [4, 5, 6],
      ])
    } finally {
      await drop()
    }
  })
})
