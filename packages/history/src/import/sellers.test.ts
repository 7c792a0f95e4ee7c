import { randomBytes } from 'node:crypto'
import type { Row } from '@tributary/projection'
import { migratedTestDatabase } from '@tributary/test/servers'
import { openVault, type Vault } from '@tributary/vault'
import { expect } from 'chai'
import { createReportBook } from './report.ts'
import { sellerEvents } from './sellers.ts'

describe('the sellers of an existing system', () => {
  let vault: Vault
  let drop: () => Promise<void>
  before(async () => {
    const made = await migratedTestDatabase('import_sellers')
    drop = made.drop
    vault = await openVault({ database: made.database, masterKeys: [randomBytes(32)] })
  })
  after(() => drop())

  const seller = (id: number, change: Row = {}): Row => ({
    ...{ id, channel: 1, seller_id: `shop-${id}`, order_app_id: 1, region: 'DE', spi_server_codes: 'warehouse' },
    ...{ refresh_token: 'token', refresh_token_expires_in: 1, refresh_token_expires_time: 2, attach_info: '' },
    ...{ create_time: 1_700_000_000_000, update_time: 1_700_000_000_000, deleted: 0, ...change },
  })

  it('are carried over but for one that no event can hold, which the report names', async () => {
    const book = createReportBook()
    const rows = [seller(1), seller(2, { channel: 0 }), seller(3, { seller_id: 'tab\tshop' }), seller(4)]
    const events = await sellerEvents(vault, rows, book)
    expect(events.map(({ data }) => data.rowId)).to.deep.equal([1, 4])
    const { rows: counted, misfits, examples } = book.report()
    expect(counted).to.deep.equal({ eg_order_app_seller: 2 })
    expect(Object.values(misfits)).to.deep.equal([1, 1])
    expect(examples.map(({ id }) => id)).to.deep.equal([2, 3])
  })
})
