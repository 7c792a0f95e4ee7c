import { createAmazon } from '@tributary/channels/amazon'
import { addApp } from '@tributary/database'
import { createEvent, orderKey, timeOrderedEventId } from '@tributary/events'
import { until } from '@tributary/test/servers'
import { type AmazonSimulator, createAmazonMarketplace } from '@tributary/test/simulators/amazon'
import { expect } from 'chai'
import { type OrderSyncUnderTest, startUnderTest } from './testing/order-sync-under-test.ts'

const HOUR = 3_600_000

describe('reading the orders of Amazon', () => {
  let its: OrderSyncUnderTest
  let amazon: AmazonSimulator
  let sellerId: string
  // The log keeps what other tests read, so each has a seller of its own.
  let seeds = 11
  before(async () => {
    its = await startUnderTest()
  })
  beforeEach(async () => {
    amazon = await createAmazonMarketplace({ seed: seeds++ })
    const account = amazon.market.addAccount()
    sellerId = account.sellerId
    for (const table of ['eg_order_app_seller', 'tributary_poll', 'tributary_poll_walk'])
      await its.database.query('DELETE FROM ??', [table])
    const appId = await addApp(its.database, { channel: 3, name: sellerId, ...amazon.app, scopes: [] })
    await its.addSellerOf({ channel: 3, ...account, refreshToken: amazon.market.issueRefreshToken(sellerId), appId })
  })
  afterEach(async () => {
    await its.rest()
    await amazon.close()
  })
  after(() => its.close())

  const run = (pollIntervalSeconds = 3600) => {
    const channel = createAmazon({ urls: amazon.urls, budget: { take: async () => {} }, timeout: 30_000 })
    return its.run({ channels: [channel], configuration: { pollIntervalSeconds } })
  }
  const addOrders = (count: number) => Array.from({ length: count }, () => amazon.addOrder(sellerId).orderId)
  const received = async () =>
    (await its.events('OrderReceived')).filter(({ data }) => data.sellerId === sellerId).map(({ data }) => data.orderId)
  const poll = async () => {
    const [row] = await its.database.query<{ cursor_time: number; success_time: number; last_error: string }[]>(
      'SELECT cursor_time, success_time, last_error FROM tributary_poll WHERE seller_id = ?',
      [sellerId],
    )
    return row
  }
  const isPolled = () => until('the poll came to its end', async () => ((await poll())?.success_time ?? 0) > 0)
  /** Where the pages of the first window began; a later poll asks for another. */
  const pagesOfFirst = () => {
    const [first] = amazon.searches
    const ofFirst = amazon.searches.filter((one) => one.get('lastUpdatedAfter') === first?.get('lastUpdatedAfter'))
    return ofFirst.map((one) => {
      const token = one.get('paginationToken')
      return token === null ? 0 : (JSON.parse(Buffer.from(token, 'base64').toString()) as { start: number }).start
    })
  }
  const leaveWalk = (age: number, page: string) =>
    its.database.query(
      `INSERT INTO tributary_poll_walk (channel, seller_id, window_from, window_to, page, walked_time) VALUES (?)`,
      [[3, sellerId, Date.now() - 2 * HOUR, Date.now() - HOUR, page, Date.now() - age]],
    )
  const badPage = JSON.stringify({ token: 'no page', before: null, withoutPeople: false })

  it('ends its window where the lists of Amazon end', async () => {
    const ids = addOrders(3)
    const started = Date.now()
    await run()
    await isPolled()
    expect(await received()).to.have.members(ids)
    expect((await poll())?.cursor_time).to.be.within(started - 120_000, Date.now() - 120_000)
  })

  it('goes on with the page at which it stopped, because its calls are few', async () => {
    const ids = addOrders(250)
    amazon.fail({ operation: 'search', kind: 'status', status: 503, after: 1 })
    await run()
    await isPolled()
    expect(pagesOfFirst()).to.deep.equal([0, 100, 100, 200])
    expect(await received()).to.have.members(ids)
    expect(await its.database.query('SELECT 1 FROM tributary_poll_walk')).to.deep.equal([])
  })

  it('goes on there in another process, too, and moves its cursor to the end of that window', async () => {
    const ids = addOrders(250)
    amazon.fail({ operation: 'search', kind: 'status', status: 503, after: 1, times: 1_000 })
    const first = await run()
    await until('a page failed', () => amazon.searches.some((one) => one.has('paginationToken')))
    const walks = () => its.database.query('SELECT 1 FROM tributary_poll_walk')
    await until('the page before it was kept', async () => (await walks()).length > 0)
    await first.stop()
    amazon.heal()
    const before = pagesOfFirst().length
    const [walk] = await its.database.query<{ window_to: number }[]>('SELECT window_to FROM tributary_poll_walk')
    await run()
    await isPolled()
    expect(pagesOfFirst().slice(before)).to.deep.equal([100, 200])
    expect(await received()).to.have.members(ids)
    expect((await poll())?.cursor_time).to.be.at.least(walk?.window_to ?? Number.NaN)
  })

  it('begins anew when Amazon refuses the page, and asks for none that is too old', async () => {
    const ids = addOrders(3)
    await leaveWalk(0, badPage)
    await run(0.3)
    await isPolled()
    expect(await received()).to.have.members(ids)
    await its.rest()
    await leaveWalk(23 * HOUR, badPage)
    await its.database.query('UPDATE tributary_poll SET success_time = 0, due_time = 0')
    const before = amazon.searches.length
    await run()
    await isPolled()
    expect(amazon.searches.slice(before).map((one) => one.get('paginationToken'))).not.to.include('no page')
  })

  it('reads an order again that is older than the notice of its change, once Amazon must show it', async () => {
    const [late, timely] = [amazon.market.addOrder(sellerId), amazon.market.addOrder(sellerId)]
    const lag = 120_000
    const notify = (orderId: string, notifiedTime: number) => {
      const id = timeOrderedEventId()
      const subject = `orders/3/${sellerId}/${orderId}`
      const head = { id, type: 'OrderNotified', source: '/test', subject, time: Date.now() } as const
      const data = { channel: 3, sellerId, orderId, topic: 'ORDER_CHANGE', notificationId: id, notifiedTime }
      return its.append(createEvent({ ...head, partitionkey: orderKey(3, sellerId, orderId), data }))
    }
    const quantities = async (orderId: string) =>
      (await its.received(orderId)).map(({ data }) => data.order.lines.map(({ quantity }) => quantity))
    await run()
    await isPolled()
    // Amazon must show in a minute what this notice is about: long enough for a slow machine to have read it before.
    const shownTime = Date.now() + 60_000
    await notify(late.orderId, shownTime - lag)
    await notify(timely.orderId, Date.parse(timely.lastUpdatedTime))
    const reads = () => amazon.calls.filter((call) => call === 'order').length
    await until('both were read, and one is put off', async () => {
      const left = await its.database.query<{ due_time: number }[]>('SELECT due_time FROM tributary_order_read')
      return reads() === 2 && left.length === 1 && left[0]?.due_time === shownTime
    })
    const [item] = late.orderItems
    if (item) item.quantityOrdered += 7
    amazon.market.touch(late)
    await its.database.query('UPDATE tributary_order_read SET due_time = 0')
    await until('the change was read', async () => (await quantities(late.orderId)).length === 2)
    await until(
      'nothing is left to read',
      async () => (await its.database.query<unknown[]>('SELECT 1 FROM tributary_order_read')).length === 0,
    )
    expect(reads()).to.equal(3)
  })

  it('reminds of consents and secrets that end, days ahead, and calls a secret that has ended a trouble', async () => {
    const DAY = 24 * HOUR
    const { service } = await run()
    const ends = async (column: 'refresh_token_expires_time' | 'update_time', time: number) => {
      const table = column === 'update_time' ? 'eg_order_app' : 'eg_order_app_seller'
      await its.database.query('UPDATE ?? SET create_time = 1, ?? = ? WHERE channel = 3', [table, column, time])
    }
    const told = async () => {
      const { status, reason = '', details } = await service.health()
      return {
        status,
        reason,
        consents: details?.['consentsEnding'],
        secrets: details?.['secretsEnding'] as { days: number }[],
      }
    }
    await isPolled()
    await its.database.query('DELETE FROM eg_order_app WHERE channel = 3 AND app_name <> ?', [sellerId])
    await ends('refresh_token_expires_time', Date.now() + 14.5 * DAY)
    await ends('update_time', Date.now() - (180 - 14.5) * DAY)
    expect(await told()).to.deep.include({ status: 'ok', consents: [], secrets: [] })
    await ends('refresh_token_expires_time', Date.now() + 13.5 * DAY)
    await ends('update_time', Date.now() - (180 - 13.5) * DAY)
    const ahead = await told()
    expect(ahead).to.deep.include({ status: 'ok', consents: [{ channel: 3, sellerId, days: 13 }] })
    expect(ahead.secrets.map(({ days }) => days)).to.deep.equal([13])
    await ends('update_time', Date.now() - 181 * DAY)
    const after = await told()
    expect(after).to.include({ status: 'degraded' })
    expect(after.reason).to.match(/^The secret of app \d+ is too old: tributary app set-secret\.$/)
  })
})
