import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type EventLog, openEventLog } from '@tributary/event-log'
import { createRowIds, ORDER_TOPIC } from '@tributary/events'
import { migratedTestDatabase } from '@tributary/test/servers'
import { openVault, type Vault } from '@tributary/vault'
import { expect } from 'chai'
import { openSealedParts } from '../sealed-parts.ts'
import { columnsReadOf } from './columns.ts'
import { type ImportKind, importRows } from './import.ts'

const CONTRACT = join(import.meta.dirname, '../../../../test/fixtures/schema/given-tables.mysql.sql')
/** They are the operators', and not imported. */
const OPERATORS = ['eg_order_app', 'eg_spi']
const AUTHORS = ['create_user_id', 'create_by', 'update_user_id', 'update_by']

describe('the columns of an existing system', function () {
  this.timeout(60_000)
  let stage: Awaited<ReturnType<typeof migratedTestDatabase>>
  let source: Awaited<ReturnType<typeof migratedTestDatabase>>
  let log: EventLog
  let vault: Vault
  beforeEach(async () => {
    ;[stage, source] = await Promise.all([migratedTestDatabase('columns'), migratedTestDatabase('columns_old')])
    log = await openEventLog({ ...stage, partitions: 1 })
    vault = await openVault({ ...stage, masterKeys: [randomBytes(32)] })
  })
  afterEach(async () => {
    await log.close()
    await Promise.all([stage.drop(), source.drop()])
  })
  const run = (kind: ImportKind) => {
    const { signal } = new AbortController()
    const rowIds = createRowIds({ worker: 0 })
    return importRows({ kind, from: source.url, database: stage.database, log, vault, rowIds, signal })
  }

  it('are all that the given tables have, but for who wrote a row', async () => {
    const contract = await readFile(CONTRACT, 'utf8')
    for (const [, table = '', body = ''] of contract.matchAll(/CREATE TABLE `(\w+)`\s*\(([\s\S]*?)\n\) ENGINE/g)) {
      if (OPERATORS.includes(table)) continue
      const columns = [...body.matchAll(/^\s*`(\w+)` /gm)].map(([, column = '']) => column)
      expect(columnsReadOf(table), table).to.deep.equal(columns.filter((column) => !AUTHORS.includes(column)))
    }
  })

  it('that are missing are named, and nothing is appended: they were written as the text undefined', async () => {
    await source.database.query('ALTER TABLE eg_order_order DROP COLUMN buyer_tax_id, DROP COLUMN cancel_state')
    const error = await run('orders').catch((thrown: Error) => thrown)
    expect(error).to.have.property('code', 'HISTORY_SOURCE_INVALID')
    expect(error).to.have.property('message').that.includes('eg_order_order.buyer_tax_id, eg_order_order.cancel_state')
    expect(await log.ends(ORDER_TOPIC)).to.deep.equal([0])
  })

  it('that hold NULL where the given tables never do say nothing', async () => {
    await source.database.query(
      `ALTER TABLE eg_order_order MODIFY buyer_name VARCHAR(100) NULL, MODIFY cancel_state VARCHAR(20) NULL`,
    )
    await source.database.query('ALTER TABLE eg_order_app_seller MODIFY refresh_token VARCHAR(100) NULL')
    await source.database.query(
      `INSERT INTO eg_order_app_seller (id, channel, seller_id, order_app_id, refresh_token, create_time)
       VALUES (5, 1, 'shop', 2, NULL, 1)`,
    )
    await source.database.query(
      `INSERT INTO eg_order_order (id, channel, order_app_seller_id, order_id, status, buyer_name, cancel_state, create_time)
       VALUES (7, 1, '5', '12-7', 'SHIPPED', NULL, NULL, 1)`,
    )
    await run('sellers')
    await run('orders')
    const { events } = await log.read(ORDER_TOPIC, 0, 0)
    const [seller, order] = await Promise.all(events.map(({ event }) => openSealedParts(vault, JSON.parse(event.data))))
    expect(seller).to.have.property('sealed', null)
    expect(order).to.have.nested.property('order.cancelState', '')
    expect(order).to.have.deep.nested.property('sealed.buyer', {})
  })
})
