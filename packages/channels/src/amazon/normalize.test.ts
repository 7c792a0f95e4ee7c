import { expect } from 'chai'
import { elementTexts, memberText } from '../reading/json-text.ts'
import { normalizeOrder } from './normalize.ts'
import { fixtureText, sharedTexts } from './testing/fixtures.ts'

const GET_ORDER = memberText(fixtureText('orders-2026-01-01.getOrder.example.json'), 'order') ?? ''
const [SEARCHED = ''] = elementTexts(fixtureText('orders-2026-01-01.searchOrders.example.json'), 'orders')

/** As far as the tests change it. */
type Sample = Record<'buyer' | 'recipient' | 'tax' | 'packages' | 'lastUpdatedTime', unknown> & {
  fulfillment: Record<string, unknown>
  orderItems: Record<string, unknown>[]
}
type Parcel = { packageStatus: { status: string }; packageItems?: unknown[] }

type Change = (order: Sample) => void

function read(change: Change = () => {}, withoutPeople = false, text = GET_ORDER) {
  const order = JSON.parse(text)
  change(order)
  const outcome = normalizeOrder(JSON.stringify(order), 'A1SELLER', withoutPeople)
  if (outcome.kind !== 'order') throw new Error(outcome.problem)
  return outcome.order
}

const unshipped: Change = ({ fulfillment }) => void Object.assign(fulfillment, { fulfillmentStatus: 'UNSHIPPED' })

describe('An order of Amazon', () => {
  it('is read from the example of getOrder, field by field', () => {
    const order = read()
    expect(order).to.deep.include({
      orderId: '202-1234567-8901234',
      sourceTime: Date.parse('2024-12-25T16:30:00Z'),
      person: { kind: 'amazon:order', id: '202-1234567-8901234' },
      problems: [],
    })
    const { digest, ...normal } = order.order
    expect(digest).to.match(/^[0-9a-f]{32}$/)
    expect(normal).to.deep.equal({
      status: 'SHIPPED',
      sellerName: 'A1SELLER',
      cancelState: 'NONE_REQUESTED',
      cancelledDate: '',
      creationDate: '2024-12-25T09:15:00Z',
      creationTime: Date.parse('2024-12-25T09:15:00Z'),
      lastModifiedDate: '2024-12-25T16:30:00Z',
      fulfillmentStatus: 'SHIPPED',
      paymentStatus: 'PAID',
      lines: [
        {
          lineItemId: '20212345678901',
          quantity: 3,
          title: 'Echo Dot (4th Gen) | Smart speaker with Alexa | Charcoal',
          sku: 'ECHO-DOT-4-UK-CHARCOAL-3PACK',
        },
      ],
      linesComplete: true,
    })
    expect(order.personal.buyer).to.deep.equal({
      name: 'James Wilson',
      phone: '+44 161 123 4567',
      email: 'buyer-email@marketplace.amazon.co.uk',
      companyName: 'Wilson Electronics Ltd',
    })
    expect(order.personal.receiver).to.deep.equal({
      name: 'James Wilson',
      addressLine1: '123 High Street',
      addressLine2: 'Unit 4B',
      addressDetail: '123 High Street, Unit 4B, Manchester, Greater Manchester, England, M1 2AB, GB',
      city: 'Manchester',
      province: 'England',
      postalCode: 'M1 2AB',
      countryCode: 'GB',
    })
  })

  it('is read from the example of searchOrders: several lines, a company, words for the driver, and all of it delivered', () => {
    const order = read(undefined, false, SEARCHED)
    expect(order.order).to.include({ status: 'DELIVERED', cancelState: 'NONE_REQUESTED' })
    expect(order.order.lines.map(({ quantity }) => quantity)).to.deep.equal([2, 1])
    expect(order.personal.buyer).to.include({
      companyName: 'Smith Industries LLC',
      remark: 'Enter through main lobby, ask for John Smith at reception',
    })
    expect(order.problems).to.deep.equal([])
  })

  it('keeps its text as it came', () => {
    const text = GET_ORDER.replace('"quantityOrdered": 3', '"quantityOrdered":   3')
    const outcome = normalizeOrder(text, 'A1SELLER', false)
    expect(outcome.kind === 'order' && outcome.order.personal.original).to.equal(text)
  })

  it('is delivered only when every unit lies in a package that has arrived', () => {
    const status = (change: (packages: Parcel[]) => void) =>
      read((order) => change(order.packages as Parcel[]), false, SEARCHED).order.status
    expect(status((packages) => packages.push({ packageStatus: { status: 'IN_TRANSIT' } }))).to.equal('SHIPPED')
    expect(status(([one]) => one?.packageItems?.pop())).to.equal('SHIPPED')
    expect(status((packages) => packages.pop())).to.equal('SHIPPED')
    expect(status((packages) => packages.push({ packageStatus: { status: 'CANCELLED' } }))).to.equal('DELIVERED')
    expect(status(([one]) => Object.assign(one?.packageStatus ?? {}, { status: 'UNDELIVERABLE' }))).to.equal('SHIPPED')
  })

  it('is asked to be cancelled while a line is, and nobody has done it', () => {
    const asked =
      (cancellation: Record<string, unknown>): Change =>
      (order) => {
        unshipped(order)
        Object.assign(order.orderItems[0] ?? {}, { cancellation })
      }
    const cancellationRequest = { requester: 'BUYER' }
    expect(read(asked({ cancellationRequest })).order).to.include({ status: 'CANCEL_REQUESTED', cancelState: 'IN_PROGRESS' })
    expect(read(asked({ cancellationRequest, cancellationExecution: { cancelledBy: 'MERCHANT' } })).order).to.include({
      status: 'AWAITING_SHIPMENT',
      cancelState: 'NONE_REQUESTED',
    })
    const cancelled = read(({ fulfillment }) => Object.assign(fulfillment, { fulfillmentStatus: 'CANCELLED' })).order
    expect(cancelled).to.include({ status: 'CANCELLED', cancelState: 'CANCELED', cancelledDate: '2024-12-25T16:30:00Z' })
  })

  it('without the people that a role would show is an order all the same, and says what is missing', () => {
    const bare: Change = (order) => {
      unshipped(order)
      for (const name of ['buyer', 'recipient', 'tax'] as const) order[name] = undefined
    }
    const [leftOut, refused] = [read(bare), read(bare, true)]
    for (const order of [leftOut, refused]) {
      expect(order.order.status).to.equal('AWAITING_SHIPMENT')
      expect(order.personal).to.deep.include({ buyer: {}, receiver: {} })
    }
    expect(leftOut.problems.map(({ field }) => field)).to.deep.equal(['recipient.deliveryAddress'])
    expect(refused.problems).to.deep.equal([
      { field: 'recipient', problem: "not given: the app's roles do not cover it (Direct-to-Consumer Delivery)" },
    ])
    expect(read(bare).order.digest).to.equal(read(unshipped).order.digest)
    // Once it has left, nobody needs an address.
    expect(read((order) => Object.assign(order, { recipient: undefined })).problems).to.deep.equal([])
  })

  it("has the buyer's tax number, not the marketplace's, and Brazil's street", () => {
    const order = read((one) => {
      one.tax = {
        taxRegistrations: [
          { entityType: 'MARKETPLACE', taxRegistrationType: 'VAT', taxRegistrationNumber: 'X' },
          { entityType: 'BUYER', taxRegistrationType: 'CPF', taxRegistrationNumber: '123.456.789-09' },
        ],
      }
      const extendedFields = { streetName: 'Rua Exemplo', streetNumber: '7', neighborhood: 'Centro' }
      one.recipient = { deliveryAddress: { countryCode: 'BR', city: 'São Paulo', extendedFields } }
    })
    expect(order.personal.buyer).to.include({ taxId: '123.456.789-09', taxType: 'CPF' })
    expect(order.personal.receiver).to.deep.equal({
      addressDetail: 'Rua Exemplo, 7, Centro, São Paulo, BR',
      city: 'São Paulo',
      countryCode: 'BR',
    })
  })

  it('is read as far as it goes, whatever its fields hold, and is nothing only without an id', () => {
    const broken = read((order) => {
      order.fulfillment = { fulfillmentStatus: 'BRAND_NEW', fulfilledBy: 7 }
      order.orderItems = [{ orderItemId: '1', quantityOrdered: 'many', product: null }, { quantityOrdered: 1 }]
      order.lastUpdatedTime = 'yesterday'
    })
    expect(broken.order).to.include({
      status: 'UNKNOWN',
      fulfillmentStatus: 'BRAND_NEW',
      paymentStatus: '',
      linesComplete: false,
    })
    expect(broken.order.lines).to.deep.equal([{ lineItemId: '1', quantity: 0, title: '', sku: '' }])
    expect(broken.sourceTime).to.equal(0)
    expect(broken.problems.map(({ field }) => field)).to.include.members([
      'fulfillment.fulfillmentStatus',
      'fulfillment.fulfilledBy',
      'orderItems[0].quantityOrdered',
      'orderItems[1].orderItemId',
      'lastUpdatedTime',
    ])
    for (const text of ['{}', '{"orderId":""}', '{"orderId":null}', '{"orderId":{}}'])
      expect(normalizeOrder(text, 'A1SELLER', false)).to.include({ kind: 'unreadable' })
  })
})

const shared = sharedTexts()
if (shared.size > 0)
  describe("Amazon's own samples beside the project", () => {
    it('hold orders that are read without a problem', () => {
      const one = memberText(shared.get('orders-2026-01-01.getOrder.example.json') ?? '{}', 'order')
      const listed = elementTexts(shared.get('orders-2026-01-01.searchOrders.example.json') ?? '{}', 'orders')
      const orders = [one ?? '{}', ...listed].map((text) => normalizeOrder(text, 'A1SELLER', false))
      expect(orders).to.have.length(2)
      for (const outcome of orders) expect(outcome).to.have.nested.property('order.problems').that.is.empty
    })
  })
