import { expect } from 'chai'
import fc from 'fast-check'
import type { SourceOrder } from '../port.ts'
import { normalizeOrder } from './normalize.ts'
import { fixtureText, orderFixtures } from './testing/fixtures.ts'

type Json = Record<string, unknown>

const PAID = fixtureText('synthetic/get-order.paid-not-started.json')

function read(text: string): SourceOrder {
  const outcome = normalizeOrder(text)
  if (outcome.kind !== 'order') throw new Error(`unreadable: ${outcome.problem}`)
  return outcome.order
}

/** The paid order with some members replaced. */
function changed(change: (order: Json) => void): SourceOrder {
  const order = JSON.parse(PAID) as Json
  change(order)
  return read(JSON.stringify(order))
}

const fields = (order: SourceOrder) => order.problems.map(({ field }) => field)

function shipTo(order: Json): Json {
  const [instruction] = order['fulfillmentStartInstructions'] as { shippingStep: { shipTo: Json } }[]
  if (!instruction) throw new Error('the fixture has an instruction')
  return instruction.shippingStep.shipTo
}

describe('The normal form of an eBay order', () => {
  it('maps every column', () => {
    const { orderId, sourceTime, person, order, personal, problems } = read(PAID)
    expect(problems).to.deep.equal([])
    expect({ orderId, sourceTime, person }).to.deep.equal({
      orderId: '12-34567-89012',
      sourceTime: Date.parse('2026-11-20T14:16:58.000Z'),
      person: { kind: 'ebay:user', id: 'synthetic_buyer' },
    })
    expect(order).to.deep.equal({
      status: 'AWAITING_SHIPMENT',
      sellerName: 'synthetic_seller',
      cancelState: 'NONE_REQUESTED',
      cancelledDate: '',
      creationDate: '2026-11-20T14:15:22.000Z',
      creationTime: Date.parse('2026-11-20T14:15:22.000Z'),
      lastModifiedDate: '2026-11-20T14:16:58.000Z',
      fulfillmentStatus: 'NOT_STARTED',
      paymentStatus: 'PAID',
      digest: order.digest,
      lines: [
        { lineItemId: '10080000000001', quantity: 2, title: 'Example widget, blue', sku: 'SYN-SKU-1' },
        { lineItemId: '10080000000002', quantity: 1, title: 'Example cable 1 m', sku: 'SYN-SKU-2' },
      ],
      linesComplete: true,
    })
    expect(order.digest).to.match(/^[0-9a-f]{32}$/)
    expect(personal).to.deep.equal({
      buyer: {
        id: 'synthetic_buyer',
        name: 'Example Trading LLC',
        phone: '2175550123',
        email: '0123456789abcdef0123@members.ebay.com',
        companyName: 'Example Trading LLC',
        remark: 'Please leave at the side door.',
      },
      receiver: {
        name: 'Pat Example',
        addressLine1: '22 Sample Rd',
        addressLine2: 'Unit 7',
        addressDetail: '22 Sample Rd, Unit 7, Springfield, IL, 62701-1234, US',
        city: 'Springfield',
        province: 'IL',
        postalCode: '62701-1234',
        countryCode: 'US',
      },
      original: PAID,
    })
  })

  const STATUSES = {
    'get-order.paid-not-started.json': 'AWAITING_SHIPMENT',
    'get-order.in-progress.json': 'PARTIALLY_SHIPPED',
    'get-order.fulfilled.json': 'SHIPPED',
    'get-order.cancel-in-progress.json': 'CANCEL_REQUESTED',
    'get-order.cancelled-refunded.json': 'CANCELLED',
    'get-order.with-tax-identifier.json': 'AWAITING_SHIPMENT',
    'get-order.older-than-90-days.pii-absent.json': 'SHIPPED',
  }
  for (const [name, text] of orderFixtures('ours')) {
    it(`reads ${name} without a problem`, () => {
      const { order, problems } = read(text)
      expect(order.status).to.equal(STATUSES[name as keyof typeof STATUSES])
      expect(problems).to.deep.equal([])
    })
  }

  it('takes the tax identifier and the date of a cancellation', () => {
    const taxed = read(fixtureText('synthetic/get-order.with-tax-identifier.json'))
    expect(taxed.personal.buyer).to.include({ taxId: 'XXXXXX00X00X000X', taxType: 'CODICE_FISCALE' })
    const cancelled = read(fixtureText('synthetic/get-order.cancelled-refunded.json'))
    expect(cancelled.order).to.include({ cancelState: 'CANCELED', cancelledDate: '2026-11-20T19:59:00.000Z' })
  })

  it('leaves out what has aged away, and with the street also the address on one line', () => {
    const { buyer, receiver } = read(fixtureText('synthetic/get-order.older-than-90-days.pii-absent.json')).personal
    expect(buyer).to.deep.equal({ id: 'synthetic_buyer', remark: 'Please leave at the side door.' })
    expect(receiver).to.deep.equal({ city: 'Springfield', province: 'IL', postalCode: '62701-1234', countryCode: 'US' })
  })

  it('leaves out masks and emptiness, but takes the stars of a remark', () => {
    const { personal } = changed((order) => {
      order['buyerCheckoutNotes'] = '*** fragile ***'
      Object.assign(shipTo(order), {
        fullName: 'P***t',
        companyName: '',
        email: '   ',
        primaryPhone: { phoneNumber: 'XXXXXX' },
      })
    })
    expect(personal.receiver).not.to.have.property('name')
    expect(personal.buyer).to.include({ phone: '2175550100', remark: '*** fragile ***' })
    expect(personal.buyer).not.to.have.property('companyName')
  })

  it('ships to the hub, and does not take the hub for the buyer', () => {
    const { personal } = changed((order) => {
      const [instruction] = order['fulfillmentStartInstructions'] as Json[]
      Object.assign(instruction ?? {}, {
        ebaySupportedFulfillment: true,
        finalDestinationAddress: { addressLine1: '9 Home St', city: 'Oslo' },
      })
      Object.assign(shipTo(order), { fullName: 'Hub', companyName: 'Hub Company' })
      delete (order['buyer'] as Record<string, Json>)['buyerRegistrationAddress']?.['fullName']
    })
    expect(personal.receiver).to.include({ name: 'Hub', addressLine1: '22 Sample Rd' })
    expect(personal.buyer).not.to.have.any.keys('name', 'companyName')
  })

  it('has no receiver for digital and pick-up orders', () => {
    for (const instructions of [[], [{ fulfillmentInstructionsType: 'DIGITAL' }], undefined]) {
      const { personal, problems } = changed((order) => {
        order['fulfillmentStartInstructions'] = instructions
      })
      expect(personal.receiver).to.deep.equal({})
      expect(personal.buyer).to.include({ name: 'Example Trading LLC', phone: '2175550100' })
      expect(problems).to.deep.equal([])
    }
  })

  it('finds a refund at the order and at a line', () => {
    const pending = (refunds: (order: Json) => void) =>
      changed((order) => {
        order['orderPaymentStatus'] = 'PENDING'
        refunds(order)
      }).order.status
    expect(pending(() => {})).to.equal('PENDING_PAYMENT')
    expect(pending((order) => Object.assign(order['paymentSummary'] as Json, { refunds: [{}] }))).to.equal('AWAITING_SHIPMENT')
    expect(pending((order) => Object.assign((order['lineItems'] as Json[])[1] ?? {}, { refunds: [{}] }))).to.equal(
      'AWAITING_SHIPMENT',
    )
  })

  it('names the order itself when there is no buyer', () => {
    const order = changed((raw) => delete raw['buyer'])
    expect(order.person).to.deep.equal({ kind: 'ebay:order', id: '12-34567-89012' })
    expect(order.problems).to.deep.equal([])
  })
})

describe('An eBay order with fields of the wrong type', () => {
  it('is kept as far as it goes and says where, without the value', () => {
    const order = changed((raw) => {
      raw['lastModifiedDate'] = 'yesterday'
      raw['creationDate'] = 1_700_000_000
      raw['sellerId'] = null
      raw['buyer'] = 'somebody'
      raw['lineItems'] = [
        { lineItemId: 10080000000001, quantity: '2', title: null, sku: 42, lineItemCost: { value: 59 } },
        { lineItemId: '2', quantity: 1.5, title: ['x'] },
        { quantity: 1 },
        'line',
        { lineItemId: '2', quantity: 1 },
        { lineItemId: '3', quantity: -1 },
      ]
    })
    expect(order.sourceTime).to.equal(0)
    expect(order.order).to.include({
      lastModifiedDate: 'yesterday',
      creationDate: '1700000000',
      creationTime: 0,
      sellerName: '',
    })
    expect(order.order.lines).to.deep.equal([
      { lineItemId: '10080000000001', quantity: 2, title: '', sku: '42' },
      { lineItemId: '2', quantity: 0, title: '', sku: '' },
      { lineItemId: '3', quantity: 0, title: '', sku: '' },
    ])
    expect(fields(order)).to.include.members([
      'lastModifiedDate',
      'creationDate',
      'sellerId',
      'buyer',
      'lineItems[0].lineItemId',
      'lineItems[0].quantity',
      'lineItems[0].title',
      'lineItems[0].sku',
      'lineItems[1].quantity',
      'lineItems[1].title',
      'lineItems[2].lineItemId',
      'lineItems[3]',
      'lineItems[4].lineItemId',
      'lineItems[5].quantity',
    ])
    expect(JSON.stringify(order.problems)).not.to.match(/yesterday|somebody|1700000000/)
  })

  it('has no lines when the list is missing or none, and says so', () => {
    for (const lineItems of [undefined, null, {}, 'x']) {
      const order = changed((raw) => {
        raw['lineItems'] = lineItems
      })
      expect(order.order.lines).to.deep.equal([])
      expect(order.order.linesComplete).to.equal(false)
      expect(fields(order)).to.include('lineItems')
    }
  })

  it('keeps ids beyond 2^53 that come as numbers', () => {
    const order = read('{"orderId":123456789012345678901,"lineItems":[{"lineItemId":10080000000000000001,"quantity":1}]}')
    expect(order.orderId).to.equal('123456789012345678901')
    expect(order.order.lines[0]?.lineItemId).to.equal('10080000000000000001')
  })

  it('keeps emoji and mends half a surrogate pair, except in the original', () => {
    const text = '{"orderId":"1","buyerCheckoutNotes":"\\ud83c\\udf3b \\ud83c!","lineItems":[]}'
    const order = read(text)
    expect(order.personal.buyer.remark).to.equal('🌻 �!')
    expect(order.personal.original).to.equal(text)
    expect(fields(order)).to.include('buyerCheckoutNotes')
  })

  it('keeps an unknown status raw and reports it', () => {
    const order = changed((raw) => {
      raw['orderFulfillmentStatus'] = 'TELEPORTED'
    })
    expect(order.order).to.include({ status: 'UNKNOWN', fulfillmentStatus: 'TELEPORTED' })
    expect(fields(order)).to.deep.equal(['orderFulfillmentStatus'])
  })

  it('is nothing without an id', () => {
    for (const text of ['{}', 'null', '[]', '"x"', '{"orderId":""}', '{"orderId":null}', '{"orderId":{}}'])
      expect(normalizeOrder(text)).to.deep.equal({ kind: 'unreadable', problem: 'missing, empty or no text' })
  })

  it('does not list more than some fifty problems', () => {
    const lineItems = Array.from({ length: 1000 }, () => ({}))
    expect(read(JSON.stringify({ orderId: '1', lineItems })).problems).to.have.length(51)
  })

  it('never throws, whatever stands in its fields', () => {
    const keys = [...Object.keys(JSON.parse(PAID) as Json), 'shipTo', 'lineItemId', 'quantity', 'refunds', 'shippingStep']
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof({ depthSize: 'small' }, fc.jsonValue({ maxDepth: 1 }), tie('list'), tie('object')),
      list: fc.array(tie('value'), { maxLength: 3 }),
      object: fc.dictionary(fc.constantFrom(...keys), tie('value'), { maxKeys: 6 }),
    }))
    const order = fc.dictionary(fc.constantFrom(...keys), value)
    fc.assert(
      fc.property(order, (raw) => {
        expect(read(JSON.stringify({ ...raw, orderId: '1' })).orderId).to.equal('1')
      }),
    )
  })
})

describe('The digest of an eBay order', () => {
  const digest = (change: (order: Json) => void) => changed(change).order.digest
  const unchanged = digest(() => {})

  it('stays when spelling, order of keys and lines, or personal data change', () => {
    expect(digest((order) => (order['lineItems'] as Json[]).reverse())).to.equal(unchanged)
    expect(digest((order) => Object.assign(order, { totalMarketplaceFee: { value: '7.590', currency: 'USD' } }))).to.equal(
      unchanged,
    )
    expect(digest((order) => delete shipTo(order)['email'])).to.equal(unchanged)
    const reversed = Object.fromEntries(Object.entries(JSON.parse(PAID) as Json).reverse())
    expect(read(JSON.stringify(reversed, null, 4)).order.digest).to.equal(unchanged)
  })

  it('changes with every mapped field', () => {
    const changes: Json[] = [
      { lastModifiedDate: '2026-11-20T14:16:59.000Z' },
      { orderFulfillmentStatus: 'FULFILLED' },
      { orderPaymentStatus: 'PENDING' },
      { sellerId: 'renamed' },
      { cancelStatus: { cancelState: 'IN_PROGRESS' } },
      { lineItems: [] },
      { orderId: '12-34567-89013' },
    ]
    const digests = changes.map((change) => digest((order) => Object.assign(order, change)))
    expect(new Set([unchanged, ...digests])).to.have.length(changes.length + 1)
  })
})

const shared = orderFixtures('shared')
if (shared.size > 0) {
  describe('The shared samples of eBay orders', () => {
    for (const [name, text] of shared) {
      it(`${name} reads without a problem and keeps its text`, () => {
        const order = read(text)
        expect(order.problems).to.deep.equal([])
        expect(order.personal.original).to.equal(text)
      })
    }
  })
}
