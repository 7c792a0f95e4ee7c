import type { EventOf } from '@tributary/events'
import { expect } from 'chai'
import type { EbayOrder } from '../simulators/ebay/index.ts'
import type { Arrival } from '../simulators/spi/index.ts'
import { createCollector } from './gateway/collector.ts'
import { knownOrder } from './gateway/known-order.ts'
import { deliveriesOf, eventsOf, orderRow, rowsWith, snapshotsOf } from './gateway/look.ts'
import { openWorld, type Seller, type World } from './gateway/world.ts'

describe('an order, from the webhook to rows and a signed call', function () {
  this.timeout(60_000)
  let collector: Awaited<ReturnType<typeof createCollector>>
  let world: World
  let seller: Seller
  let order: EbayOrder
  let snapshot: EventOf<'OrderReceived'>
  let arrival: Arrival
  before(async () => {
    collector = await createCollector()
    const settings = { telemetry: { endpoint: collector.url } }
    world = await openWorld({ name: 'flow', settings })
    const consent = await world.consent()
    expect(await consent.page.text()).to.include('The shop is connected')
    seller = consent.seller
    order = world.simulator.market.addOrder(seller.userId, knownOrder(seller.username, Date.now()))
    expect(await world.notify(order.orderId)).to.deep.equal([204])
    const [delivered] = await deliveriesOf(world, 'warehouse', order.orderId)
    const [received] = await snapshotsOf(world, order.orderId)
    if (!delivered || !received) throw new Error('The known order did not come through')
    arrival = delivered
    snapshot = received
    await orderRow(world, order.orderId)
  })
  after(async () => {
    await world.close()
    await collector.close()
  })

  /** Audit columns come from the event, not from the clock of whoever writes the row. */
  const audit = () => {
    const time = Date.parse(snapshot.time)
    const by = 'tributary'
    return {
      create_user_id: 0,
      create_by: by,
      create_time: time,
      update_user_id: 0,
      update_by: by,
      update_time: time,
      deleted: 0,
    }
  }

  it('stands in the log as what was heard and what was read, without a word about people', async () => {
    const events = await eventsOf(world, order.orderId)
    expect(events.map(({ type }) => type)).to.deep.equal(['OrderNotified', 'OrderReceived'])
    expect(snapshot.data).to.include({ channel: 1, sellerId: seller.userId, origin: 'notification' })
    expect(snapshot.data.problems).to.deep.equal([])
    expect(JSON.stringify(events)).not.to.match(/Esempio|known_buyer|Roma/)
  })

  it('fills every column of its row', async () => {
    const [sellerRow] = await rowsWith(world, 'eg_order_app_seller', 'seller_id', seller.userId)
    expect(await orderRow(world, order.orderId)).to.deep.equal({
      id: snapshot.data.rowIds.order,
      channel: 1,
      order_app_seller_id: String(sellerRow?.['id']),
      order_id: '77-00001-00001',
      status: 'CANCEL_REQUESTED',
      buyer_id: 'known_buyer',
      buyer_remark: '请按两次门铃 🎁',
      buyer_name: 'Nicolò Esempio',
      buyer_phone: '+39 06 5550199',
      buyer_email: 'relay1@members.example',
      buyer_tax_id: 'SYN123456789',
      buyer_tax_type: 'CODICE_FISCALE',
      buyer_company_name: 'Esempio S.r.l.',
      receiver_address_line1: 'Via dell’Esempio 3',
      receiver_address_line2: 'Scala B 🏡',
      receiver_address_detail: 'Via dell’Esempio 3, Scala B 🏡, Roma, Municipio I, RM, 00118, IT',
      receiver_city: 'Roma',
      receiver_country_code: 'IT',
      receiver_province: 'RM',
      receiver_postal_code: '00118',
      cancel_state: 'IN_PROGRESS',
      cancelled_date: order.cancelStatus.cancelledDate,
      creation_date: order.creationDate,
      creation_date_time: Date.parse(order.creationDate),
      last_modified_date: order.lastModifiedDate,
      last_modified_date_time: Date.parse(order.lastModifiedDate),
      order_fulfillment_status: 'IN_PROGRESS',
      order_payment_status: 'PAID',
      seller_id: seller.username,
      original_md5: snapshot.data.order.digest,
      ...audit(),
    })
    expect(snapshot.data.order.digest).to.match(/^[0-9a-f]{32}$/)
  })

  it('has a row for each line, and its raw text as eBay sent it', async () => {
    const { order: id, original, lines } = snapshot.data.rowIds
    const line = (item: string, quantity: number, title: string, sku: string) => {
      return { id: lines[item], order_id: id, line_item_id: item, quantity, title, sku, ...audit() }
    }
    expect(await rowsWith(world, 'eg_order_order_detail', 'order_id', id)).to.deep.equal([
      line('10000000001', 2, 'Oak mallet, 450 g', 'MALLET-450'),
      line('10000000002', 1, '抹茶セット 🎁', ''),
    ])
    expect(await rowsWith(world, 'eg_order_order_original', 'order_id', id)).to.deep.equal([
      { id: original, order_id: id, original: JSON.stringify(order), ...audit() },
    ])
  })

  it('is sent once, signed, as an event of CloudEvents', () => {
    const { record, unverified } = world.receivers['warehouse'] ?? {}
    expect([record?.arrivals.length, unverified]).to.deep.equal([1, 0])
    expect(arrival.id).to.equal(`msg_${snapshot.id}`)
    expect(arrival.headers).to.include({
      'content-type': 'application/json; charset=utf-8',
      'ce-specversion': '1.0',
      'ce-id': snapshot.id,
      'ce-type': 'OrderReceived',
      'ce-source': '/tributary/order-sync',
      'ce-subject': `orders/1/${seller.userId}/${order.orderId}`,
      'ce-time': snapshot.time,
      'ce-dataversion': '1',
    })
  })

  it('is told to the receiver with the fields that docs/spi.md promises, in their order', () => {
    const expected = {
      version: 1,
      type: 'OrderReceived',
      eventId: snapshot.id,
      channel: 1,
      sellerId: seller.userId,
      orderAppSellerId: String(snapshot.data.sellerRowId),
      orderId: order.orderId,
      sourceTime: Date.parse(order.lastModifiedDate),
      status: 'CANCEL_REQUESTED',
      sellerName: seller.username,
      cancelState: 'IN_PROGRESS',
      cancelledDate: order.cancelStatus.cancelledDate,
      creationDate: order.creationDate,
      creationTime: Date.parse(order.creationDate),
      lastModifiedDate: order.lastModifiedDate,
      fulfillmentStatus: 'IN_PROGRESS',
      paymentStatus: 'PAID',
      lines: [
        { lineItemId: '10000000001', quantity: 2, title: 'Oak mallet, 450 g', sku: 'MALLET-450' },
        { lineItemId: '10000000002', quantity: 1, title: '抹茶セット 🎁', sku: '' },
      ],
      linesComplete: true,
      personalData: 'present',
      buyer: {
        id: 'known_buyer',
        name: 'Nicolò Esempio',
        phone: '+39 06 5550199',
        email: 'relay1@members.example',
        taxId: 'SYN123456789',
        taxType: 'CODICE_FISCALE',
        companyName: 'Esempio S.r.l.',
        remark: '请按两次门铃 🎁',
      },
      receiver: {
        name: 'Giulia Esempio',
        addressLine1: 'Via dell’Esempio 3',
        addressLine2: 'Scala B 🏡',
        addressDetail: 'Via dell’Esempio 3, Scala B 🏡, Roma, Municipio I, RM, 00118, IT',
        city: 'Roma',
        countryCode: 'IT',
        province: 'RM',
        postalCode: '00118',
      },
    }
    expect(arrival.body).to.equal(JSON.stringify(expected))
  })

  it('writes nothing about people and no secret into the log of the process', () => {
    const output = world.gateway.output()
    expect(output).to.include('"path":"/open/order/callback/1"')
    expect(output).not.to.match(/Esempio|known_buyer|relay1@|5550199|门铃/)
    const { clientSecret } = world.simulator.app
    const secrets = [clientSecret, world.gateway.masterKey.toString('base64'), world.gateway.challengeToken, 'v^1.1#', 'whsec_']
    expect(secrets.filter((secret) => output.includes(secret))).to.deep.equal([])
  })

  it('leaves one trace, from the webhook through reading and rows to the call', async () => {
    const events = await eventsOf(world, order.orderId)
    const traceparents = [...events.map(({ traceparent }) => traceparent), arrival.headers['traceparent']]
    const [traceId, ...others] = new Set(traceparents.map((traceparent) => traceparent?.split('-')[1]))
    expect(others).to.deep.equal([])
    // Spans that still wait to be exported are so when the process stops.
    expect(await world.gateway.stop()).to.include({ code: 0 })
    const spans = collector.spans.filter((span) => span.traceId === traceId)
    const names = ['POST /open/order/callback/:channel', 'read order', 'process EG_ORDER_SPI_TOPIC', 'POST']
    expect(spans.map(({ name }) => name)).to.include.members(names)
  })
})
