import { type Connection, type Database, openDatabase } from '@tributary/database'
import { migratedTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import {
  countOrderReads,
  listOrderReads,
  readOrderReadPlace,
  retryOrderReads,
  writeOrderReadPlace,
} from './order-read-operations.ts'
import {
  claimOrderRead,
  dropOrderRead,
  finishOrderRead,
  type OrderReadTask,
  parkOrderRead,
  putBackOrderRead,
  requestOrderReads,
  tidyOrderReads,
} from './order-read-tasks.ts'

describe('tasks to read orders', () => {
  let database: Database
  let other: Database
  let drop: () => Promise<void>
  before(async () => {
    const made = await migratedTestDatabase('order_reads')
    database = made.database
    other = openDatabase(made.url)
    drop = made.drop
  })
  beforeEach(() => database.query('DELETE FROM tributary_order_read'))
  after(async () => {
    await other.close()
    await drop()
  })

  const request = (orderId: string, options: { sellerId?: string; at?: number } = {}) => {
    const { sellerId = 's1', at = 1_000 } = options
    return requestOrderReads(
      database,
      [{ channel: 1, sellerId, orderId, origin: 'notification', notifiedTime: at, dueTime: at }],
      at,
    )
  }
  const claim = (options: Partial<Parameters<typeof claimOrderRead>[1]> = {}, from = database) =>
    claimOrderRead(from, { owner: 'me', channels: [1], busy: [], now: 2_000, until: 9_000, ...options })
  const claimed = async (options: Partial<Parameters<typeof claimOrderRead>[1]> = {}): Promise<OrderReadTask> => {
    const task = await claim(options)
    if (!task) throw new Error('nothing to claim')
    return task
  }
  const only = async () => (await listOrderReads(database))[0]
  const failedOnce = { dueTime: 7_000, attempts: 1, state: 'waiting', error: 'X' } as const

  it('are claimed longest due first, and by nobody else until the claim ends', async () => {
    await request('b', { at: 1_500 })
    await request('a', { at: 1_200 })
    await request('later', { at: 2_001 })
    expect((await claim())?.orderId).to.equal('a')
    expect((await claim({ owner: 'you' }))?.orderId).to.equal('b')
    expect(await claim({ owner: 'you' })).to.equal(undefined)
    expect((await claim({ owner: 'you', now: 9_000, until: 20_000 }))?.orderId).to.equal('later')
    expect((await claim({ owner: 'you', now: 9_000, until: 20_000 }))?.orderId).to.be.oneOf(['a', 'b'])
  })

  it('are each claimed by one of many who try at once', async () => {
    for (let index = 0; index < 40; index++) await request(`order ${index}`)
    const takeAll = async (owner: string, from: Database) => {
      const taken: string[] = []
      for (let task = await claim({ owner }, from); task; task = await claim({ owner }, from)) taken.push(task.orderId)
      return taken
    }
    const taken = await Promise.all([takeAll('a', database), takeAll('b', other), takeAll('c', database), takeAll('d', other)])
    expect(taken.flat()).to.have.length(40)
    expect(new Set(taken.flat()).size).to.equal(40)
  })

  it('pass over sellers that have enough in hand, and channels that are not ours', async () => {
    await request('busy', { sellerId: 's2', at: 1_000 })
    await request('free', { at: 1_500 })
    expect((await claim({ busy: [{ channel: 1, sellerId: 's2' }] }))?.orderId).to.equal('free')
    expect(await claim({ channels: [2] })).to.equal(undefined)
  })

  it('are looked for without reading those that are not due', async () => {
    await request('due')
    for (let index = 0; index < 300; index++) await request(`order ${index}`, { at: 5_000 + index })
    const rowsRead = async (connection: Connection) => {
      const counters = await connection.query<{ Value: string }[]>("SHOW SESSION STATUS LIKE 'Handler_read%'")
      return counters.reduce((sum, { Value }) => sum + Number(Value), 0)
    }
    const read = await database.transaction(async (connection) => {
      const before = await rowsRead(connection)
      await claimOrderRead(connection, { owner: 'me', channels: [1], busy: [], now: 2_000, until: 9_000 })
      return (await rowsRead(connection)) - before
    })
    expect(read).to.be.below(60)
  })

  it('end when they are done, unless somebody asked again meanwhile', async () => {
    await request('a')
    await finishOrderRead(database, await claimed(), 'me', 3_000)
    expect(await only()).to.equal(undefined)
    await request('a')
    const task = await claimed()
    await request('a')
    await finishOrderRead(database, task, 'me', 3_000)
    expect(await only()).to.include({ orderId: 'a', dueTime: 3_000, requested: 2 })
  })

  it('are not touched by an owner whose claim another took over', async () => {
    await request('a')
    const task = await claimed()
    await claimed({ owner: 'you', now: 9_000, until: 20_000 })
    await finishOrderRead(database, task, 'me', 9_500)
    await putBackOrderRead(database, task, 'me', failedOnce)
    await dropOrderRead(database, task, 'me', { error: 'X', now: 9_500 })
    expect(await only()).to.include({ dueTime: 20_000, state: 'waiting', attempts: 0 })
  })

  it('keep their back-off when they are asked for again, but a dropped one comes back to life', async () => {
    await request('a')
    await putBackOrderRead(database, await claimed(), 'me', failedOnce)
    await request('a', { at: 2_500 })
    expect(await only()).to.include({ dueTime: 7_000, attempts: 1, notifiedTime: 2_500, requested: 2 })
    const task = await claimed({ now: 7_000 })
    await dropOrderRead(database, task, 'me', { error: 'unknown', now: 7_500 })
    expect(await only()).to.include({ state: 'dropped', lastError: 'unknown' })
    expect(await claim({ now: Number.MAX_SAFE_INTEGER })).to.equal(undefined)
    await request('a', { at: 8_000 })
    expect(await only()).to.include({ state: 'waiting', dueTime: 8_000, attempts: 0 })
  })

  it('are due at once after a new consent, if they did not work before', async () => {
    await request('parked')
    await putBackOrderRead(database, await claimed(), 'me', { ...failedOnce, state: 'parked' })
    await request('parked elsewhere', { sellerId: 's2' })
    await putBackOrderRead(database, await claimed(), 'me', { ...failedOnce, state: 'parked' })
    await retryOrderReads(database, { channel: 1, sellerId: 's1' }, 2_200)
    expect(await listOrderReads(database, { state: 'parked' })).to.have.length(1)
    expect(await listOrderReads(database, { state: 'waiting' })).to.have.length(1)
    expect((await claimed({ now: 2_200 })).orderId).to.equal('parked')
  })

  it('are due at once when an operator says so, whether parked, backing off or dropped, but not while one is read', async () => {
    await request('backs off')
    await putBackOrderRead(database, await claimed(), 'me', failedOnce)
    await request('dropped')
    await dropOrderRead(database, await claimed(), 'me', { error: 'unknown', now: 2_000 })
    await parkOrderRead(database, { channel: 2, sellerId: 's1', orderId: 'elsewhere' }, { error: 'X', now: 1, dueTime: 7_000 })
    expect(await retryOrderReads(database, { channel: 1, sellerId: 's1', orderId: 'nobody' }, 2_100)).to.equal(0)
    expect(await retryOrderReads(database, { channel: 1 }, 2_100)).to.equal(1)
    expect(await listOrderReads(database, { channel: 2 })).to.have.length(1)
    expect((await listOrderReads(database, { channel: 2 }))[0]).to.include({ state: 'parked', dueTime: 7_000 })
    const dropped = { channel: 1, sellerId: 's1', orderId: 'dropped' }
    expect(await retryOrderReads(database, dropped, 2_100)).to.equal(1)
    expect((await listOrderReads(database, dropped))[0]).to.include({ state: 'waiting', attempts: 0, dueTime: 2_100 })
    await putBackOrderRead(database, await claimed({ now: 2_100 }), 'me', failedOnce)
    const again = await claimed({ now: 7_000, until: 9_000 })
    expect(await retryOrderReads(database, { channel: 1, sellerId: 's1', orderId: again.orderId }, 7_100)).to.equal(0)
    expect((await listOrderReads(database, { orderId: again.orderId }))[0]).to.include({ isInHand: true, dueTime: 9_000 })
  })

  it('are listed page by page, each once, those that need a person first', async () => {
    await request('o.1:ä', { at: 600, sellerId: 'a shop:b' })
    for (const orderId of ['c', 'a', 'b']) await request(orderId, { at: 700 })
    await parkOrderRead(database, { channel: 1, sellerId: 's9', orderId: 'p' }, { error: 'X', now: 900, dueTime: 7_000 })
    const listed: string[] = []
    for (let cursor: string | undefined; ; ) {
      const after = cursor === undefined ? undefined : readOrderReadPlace(cursor)
      const [row] = await listOrderReads(database, { limit: 1, ...(after ? { after } : {}) })
      if (!row) break
      listed.push(row.orderId)
      cursor = writeOrderReadPlace(row)
    }
    expect(listed).to.deep.equal(['p', 'o.1:ä', 'a', 'b', 'c'])
    for (const text of ['', 'parked.1', 'gone.1.1:a:b', 'parked.x.1:a:b', 'parked.1.1:%:b', 'parked.1.1:a:b:c'])
      expect(readOrderReadPlace(text), text).to.equal(undefined)
  })

  it('are free at once when their owner is gone', async () => {
    await request('a')
    await request('b')
    await claimed({ owner: 'dead' })
    await claimed({ owner: 'living' })
    await tidyOrderReads(database, (owner) => owner === 'dead', 2_500)
    expect((await claimed({ now: 2_500, until: 9_000 })).orderId).to.equal('a')
    expect(await claim({ now: 2_500 })).to.equal(undefined)
  })

  it('are counted by state, with the age of the oldest one that waits', async () => {
    expect(await countOrderReads(database)).to.deep.equal({ waiting: 0, parked: 0, dropped: 0, oldest: null })
    await request('parked', { at: 500 })
    await putBackOrderRead(database, await claimed(), 'me', { ...failedOnce, state: 'parked' })
    await request('a', { at: 1_000 })
    await request('b', { at: 1_100 })
    expect(await countOrderReads(database)).to.deep.equal({ waiting: 2, parked: 1, dropped: 0, oldest: 1_000 })
    expect((await listOrderReads(database)).map(({ orderId }) => orderId)).to.deep.equal(['parked', 'a', 'b'])
  })
})
