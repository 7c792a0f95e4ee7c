import { createHash } from 'node:crypto'
import { partitionOf } from '@tributary/event-log'
import { orderKey } from '@tributary/events'
import { expect } from 'chai'
import { mistypedOrder, monstrousOrder } from './gateway/bad-orders.ts'
import { eventually } from './gateway/eventually.ts'
import { deliveriesOf, orderRow, rowsWith, snapshotsOf } from './gateway/look.ts'
import { openWorld, type Seller, type World } from './gateway/world.ts'

/** However large the orders before it are, another one must not wait longer than this, milliseconds. */
const PROMPT = 10_000

describe('bad input', function () {
  this.timeout(60_000)
  let world: World
  let seller: Seller
  before(async () => {
    world = await openWorld({ name: 'bad_input' })
    seller = (await world.consent()).seller
  })
  after(() => world.close())

  const detailsOf = async (name: string) =>
    (await world.gateway.health()).services.find((service) => service.name === name)?.details ?? {}

  describe('in an order', () => {
    /** An order id that shares its partition with another. */
    function idBeside(orderId: string): string {
      const partition = (id: string) => partitionOf(orderKey(1, seller.userId, id), 8)
      for (let number = 0; ; number += 1) {
        const id = `66-00000-${number}`
        if (partition(id) === partition(orderId) && !world.simulator.market.orders.has(id)) return id
      }
    }

    async function sendText(orderId: string, text: string): Promise<{ beside: string; took: number }> {
      const { market } = world.simulator
      market.addOrderText(seller.userId, text, { orderId })
      await world.notify(orderId)
      const started = Date.now()
      const beside = market.addOrder(seller.userId, { orderId: idBeside(orderId) }).orderId
      await world.notify(beside)
      await deliveriesOf(world, 'warehouse', beside)
      return { beside, took: Date.now() - started }
    }

    it('of 5 MB and 1,000 lines, every text in Chinese and emoji: all of it is kept, projected, sent and reported', async () => {
      const orderId = '55-00000-00001'
      const { text, title, remark } = monstrousOrder(orderId, Date.now())
      expect(Buffer.byteLength(text)).to.be.above(5_000_000)
      expect((await sendText(orderId, text)).took).to.be.below(PROMPT)

      const [delivery] = await deliveriesOf(world, 'warehouse', orderId)
      const message = JSON.parse(delivery?.body ?? '{}')
      expect(message.lines).to.have.length(1_000)
      expect(message.lines[999]).to.deep.equal({ lineItemId: '行😀999', quantity: 2, title, sku: '货😀' })
      expect(message.buyer).to.include({ id: '买家😀', name: '王小明😀', remark })

      const row = await orderRow(world, orderId)
      expect(row).to.include({
        status: 'UNKNOWN',
        order_fulfillment_status: '不明😀',
        seller_id: '卖家😀',
        buyer_id: '买家😀',
        buyer_remark: '请😀'.repeat(250),
        buyer_name: '王小明😀',
        buyer_phone: '电话😀',
        buyer_email: '信箱😀',
        buyer_tax_id: '税号😀',
        buyer_tax_type: '税种😀',
        buyer_company_name: '公司😀',
        receiver_address_line1: '样本路八十八号😀',
        receiver_address_line2: '三单元 𠮷座',
        receiver_address_detail: '样本路八十八号😀, 三单元 𠮷座, 北京😀, 北京市😀, 邮编😀, 中😀',
        receiver_city: '北京😀',
        receiver_country_code: '中😀',
        receiver_province: '北京市😀',
        receiver_postal_code: '邮编😀',
      })
      const lines = await rowsWith(world, 'eg_order_order_detail', 'order_id', row['id'])
      expect(lines).to.have.length(1_000)
      expect(lines[999]).to.include({ line_item_id: '行😀999', title: [...title].slice(0, 255).join(''), sku: '货😀' })
      const [original] = await rowsWith(world, 'eg_order_order_original', 'order_id', row['id'])
      expect(original?.['original'] === text, 'the text as eBay sent it').to.equal(true)

      const { remarks } = (await detailsOf('projector'))['orders'] as { remarks: Record<string, number> }
      expect(remarks).to.deep.include({
        'truncated eg_order_order.buyer_remark': 1,
        'truncated eg_order_order_detail.title': 1_000,
        'unknown-value eg_order_order.status': 1,
      })
    })

    it('with fields of the wrong type: it is kept, projected as far as it goes, and reported', async () => {
      const orderId = '55-00000-00002'
      const text = mistypedOrder(orderId)
      const before = Number((await detailsOf('order-sync'))['problems'])
      expect((await sendText(orderId, text)).took).to.be.below(PROMPT)
      const row = await orderRow(world, orderId)
      expect(row).to.include({
        status: 'UNKNOWN',
        order_payment_status: 'PAID',
        seller_id: '4711',
        buyer_id: '',
        buyer_remark: '',
      })
      const lines = await rowsWith(world, 'eg_order_order_detail', 'order_id', row['id'])
      expect(lines.map((line) => [line['line_item_id'], line['quantity'], line['title'], line['sku']])).to.deep.equal([
        ['10000000001', 2, '300', ''],
        ['10000000002', 0, '', 'true'],
      ])
      const [original] = await rowsWith(world, 'eg_order_order_original', 'order_id', row['id'])
      expect(original?.['original']).to.equal(text)

      const [snapshot] = await snapshotsOf(world, orderId)
      const fields = new Set(snapshot?.data.problems.map(({ field }) => field))
      expect(fields).to.include.keys(
        'buyer',
        'cancelStatus',
        'lineItems[1].quantity',
        'lineItems[2].quantity',
        'lastModifiedDate',
      )
      expect((await detailsOf('order-sync'))['problems']).to.equal(before + 1)
      expect(world.gateway.output()).to.include('an order has undocumented fields')
      const [delivery] = await deliveriesOf(world, 'warehouse', orderId)
      expect(JSON.parse(delivery?.body ?? '{}')).to.include({ orderId, status: 'UNKNOWN', linesComplete: false })
    })

    it('whose answer breaks off: it is read again, and another passes it meanwhile', async () => {
      const { market } = world.simulator
      const { orderId } = market.addOrder(seller.userId)
      world.simulator.fail({ operation: 'getOrder', kind: 'half-body' })
      await world.notify(orderId)
      await eventually('the read has failed', () => world.simulator.requests.at(-1)?.path.endsWith(orderId))
      const beside = market.addOrder(seller.userId, { orderId: idBeside(orderId) }).orderId
      await world.notify(beside)
      const [[later], [earlier]] = await Promise.all([
        deliveriesOf(world, 'warehouse', orderId),
        deliveriesOf(world, 'warehouse', beside),
      ])
      expect(later?.time).to.be.above(earlier?.time ?? Number.POSITIVE_INFINITY)
    })
  })

  describe('in a request', () => {
    const callback = () => `${world.gateway.url}/open/order/callback/1`
    const orderMessage = () => {
      const { orderId } = world.simulator.market.addOrder(seller.userId)
      return world.simulator.notifications.orderConfirmation(orderId)
    }

    it('whose signature is wrong or missing is answered 412 and leaves nothing', async () => {
      const events = (await world.events()).length
      for (const signature of ['wrong', 'missing'] as const)
        expect(await world.simulator.notifications.send(callback(), orderMessage(), { signature }), signature).to.deep.equal([
          412,
        ])
      expect(await world.events()).to.have.length(events)
    })

    it('which is too long, no JSON, or of a topic we do not know, is answered 413, 400 and 204', async () => {
      const { notifications } = world.simulator
      expect(await notifications.sendBody(callback(), Buffer.alloc(256 * 1024 + 1, ' '))).to.equal(413)
      expect(await notifications.sendBody(callback(), Buffer.from('{"metadata": '))).to.equal(400)
      const unknown = notifications.message('SOMETHING_NEW', { userId: 'stranger', what: 'ever' })
      expect(await notifications.send(callback(), unknown)).to.deep.equal([204])
      const kept = (await world.events()).find((event) => event.type === 'NotificationReceived')
      expect(kept?.data).to.include({ topic: 'SOMETHING_NEW', notificationId: unknown.notification.notificationId })
    })

    it('which is a challenge is answered as eBay computes it, and 400 without its code', async () => {
      expect((await fetch(callback())).status).to.equal(400)
      const answer = await fetch(`${callback()}?challenge_code=a8628072`)
      const { challengeToken } = world.gateway
      const expected = createHash('sha256').update('a8628072').update(challengeToken).update(callback()).digest('hex')
      expect(await answer.json()).to.deep.equal({ challengeResponse: expected })
    })

    it('which is a consent declined, used again or made up gets a page that a person understands', async () => {
      const declined = await world.consent({ accept: false })
      expect(await declined.page.text()).to.match(/<h1>.*not connected/)
      const { address, cookie } = await world.consent({ seller })
      for (const [state, words] of [
        [address, 'used already'],
        [`${world.gateway.url}/open/order/oauth/callback/1?code=x&state=made-up`, 'not one of ours'],
      ] as const) {
        const page = await fetch(state, { headers: { cookie } })
        expect(page.status).to.equal(400)
        expect(await page.text()).to.include(words)
      }
    })

    it('which needs a key that cannot be fetched is answered 503, and no other unseen key is asked for in that minute', async () => {
      const { simulator, gateway } = world
      await gateway.stop()
      gateway.start()
      await gateway.ready()
      const events = (await world.events()).length
      const fetched = simulator.count('getPublicKey')
      simulator.fail({ operation: 'getPublicKey', kind: 'status', status: 503 })
      for (const signature of ['right', 'stale', 'right'] as const)
        expect(await simulator.notifications.send(callback(), orderMessage(), { signature })).to.deep.equal([503])
      expect(simulator.count('getPublicKey')).to.equal(fetched + 1)
      expect(await world.events()).to.have.length(events)
    })
  })
})
