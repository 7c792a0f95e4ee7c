import { migratedTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import type { Database } from './database.ts'
import { addApp, addSpiService, listApps, listSpiServices, setAppSecret } from './operator-tables.ts'
import { findSeller, listSellers } from './sellers.ts'
import { rejection } from './testing/rejection.ts'

const app = {
  channel: 1,
  name: 'eBay',
  clientId: 'id',
  clientSecret: 'secret',
  developerId: 'dev',
  scopes: ['https://a.example/one', 'https://a.example/two'],
  redirectUri: 'RuName',
  attachInfo: { region: 'EU' },
}
const service = { type: 1, serverCode: 'WMS', serverName: 'warehouse', description: 'Stock', secret: 'whsec_x' }

describe('the tables of operators', () => {
  let database: Database
  let drop: () => Promise<void>
  before(async () => {
    ;({ database, drop } = await migratedTestDatabase('operators'))
  })
  beforeEach(async () => {
    for (const table of ['eg_order_app', 'eg_order_app_seller', 'eg_spi']) await database.query('DELETE FROM ??', [table])
  })
  after(() => drop())

  const insert = (table: string, row: Record<string, unknown>) =>
    database.query('INSERT INTO ?? (??) VALUES (?)', [table, Object.keys(row), Object.values(row)])

  it('give back an app as it was added, of one channel or of all', async () => {
    const started = Date.now()
    const first = await addApp(database, app)
    const second = await addApp(database, { ...app, channel: 3, scopes: [], attachInfo: {} })
    const [{ changedTime, ...row } = { changedTime: 0 }] = await listApps(database, 1)
    expect(row).to.deep.equal({ id: first, ...app })
    expect(changedTime).to.be.within(started, Date.now())
    expect((await listApps(database)).map(({ id }) => id)).to.deep.equal([first, second])
  })

  it('read rows that were written by hand, and leave out deleted ones', async () => {
    await insert('eg_order_app', { id: 7, channel: 1, scopes: null, attach_info: null, create_time: 1 })
    await insert('eg_order_app', { id: 8, channel: 1, create_time: 1, deleted: 8 })
    expect(await listApps(database)).to.deep.equal([
      {
        id: 7,
        channel: 1,
        name: '',
        clientId: '',
        clientSecret: '',
        developerId: '',
        scopes: [],
        redirectUri: '',
        attachInfo: {},
        changedTime: 1,
      },
    ])
  })

  it('give an app another secret, and tell when', async () => {
    const id = await addApp(database, app)
    await database.query('UPDATE eg_order_app SET create_time = 1, update_time = 1')
    expect(await setAppSecret(database, id, 'the next')).to.equal(true)
    const [row] = await listApps(database)
    expect(row).to.include({ clientSecret: 'the next', clientId: app.clientId })
    expect(row?.changedTime).to.be.above(1)
    expect(await setAppSecret(database, id + 1, 'x')).to.equal(false)
  })

  it('refuse extras that are no JSON object, naming the row and not the text', async () => {
    await insert('eg_order_app', { id: 7, channel: 1, attach_info: '{"key": sesame}', create_time: 1 })
    const error = await rejection(listApps(database))
    expect(error.code).to.equal('DATABASE_ROW_UNREADABLE')
    expect(error.message).to.include('row 7').and.not.include('sesame')
  })

  it('give back a receiver as it was added, with the time of it', async () => {
    const before = Date.now()
    const id = await addSpiService(database, service)
    const [added, ...others] = await listSpiServices(database, 1)
    expect(added).to.include({ id, ...service })
    expect(added?.createTime).to.be.within(before, Date.now())
    expect(others).to.deep.equal([])
    expect(await listSpiServices(database, 2)).to.deep.equal([])
  })

  it('take a code once for each type, also when people add it together', async () => {
    const people = Array.from({ length: 12 })
    await Promise.all(people.map(() => database.query('SELECT SLEEP(0.05)')))
    const adding = people.map(() => addSpiService(database, service))
    const outcomes = await Promise.allSettled(adding)
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).to.have.length(1)
    expect((await rejection(addSpiService(database, service))).code).to.equal('DATABASE_DUPLICATE')
    await addSpiService(database, { ...service, type: 2 })
    await database.query('UPDATE eg_spi SET deleted = id WHERE type = 1')
    await addSpiService(database, service)
  })

  it('refuse a code that a comma list of codes could not hold', async () => {
    for (const serverCode of ['a,b', '', ' '])
      expect((await rejection(addSpiService(database, { ...service, serverCode }))).code).to.equal('DATABASE_VALUE_REFUSED')
  })

  it('count the first of several receivers with one code', async () => {
    for (const id of [12, 11, 13]) {
      await insert('eg_spi', { id, type: 1, server_code: 'WMS', server_name: `name ${id}`, create_time: 1 })
    }
    expect((await listSpiServices(database, 1)).map(({ id }) => id)).to.deep.equal([11])
  })

  describe('for sellers', () => {
    const seller = (id: number, fields: Record<string, unknown> = {}) =>
      insert('eg_order_app_seller', {
        id,
        channel: 1,
        seller_id: 'seller',
        order_app_id: 1,
        refresh_token: 'sealed',
        create_time: 5,
        ...fields,
      })

    it('give back the live row, codes as a list', async () => {
      await seller(31, { spi_server_codes: 'WMS, ERP,,', refresh_token_expires_time: 9, update_time: 6 })
      expect(await findSeller(database, 1, 'seller')).to.deep.equal({
        id: 31,
        channel: 1,
        sellerId: 'seller',
        orderAppId: 1,
        region: '',
        spiServerCodes: ['WMS', 'ERP'],
        refreshToken: 'sealed',
        refreshTokenExpiresTime: 9,
        createTime: 5,
        updateTime: 6,
      })
      expect(await findSeller(database, 2, 'seller')).to.equal(undefined)
    })

    it('count the lowest id of several live rows and no deleted one', async () => {
      await seller(20, { deleted: 20 })
      await seller(22)
      await seller(21)
      await seller(23, { channel: 3 })
      expect((await findSeller(database, 1, 'seller'))?.id).to.equal(21)
      expect((await listSellers(database, 1)).map(({ id }) => id)).to.deep.equal([21])
      expect((await listSellers(database)).map(({ id }) => id)).to.deep.equal([21, 23])
    })

    it('tell apart sellers whose ids differ in case only', async () => {
      await seller(1, { seller_id: 'ABC' })
      await seller(2, { seller_id: 'abc' })
      expect((await findSeller(database, 1, 'abc'))?.id).to.equal(2)
      expect(await listSellers(database)).to.have.length(2)
    })
  })
})
