import type { OrderStatus } from '@tributary/events'
import { expect } from 'chai'
import { normalizeOrder } from './normalize.ts'

const ORDER = {
  id: '576461413038785752',
  status: 'AWAITING_SHIPMENT',
  create_time: 1_700_000_000,
  update_time: 1_700_000_100,
  paid_time: 1_700_000_050,
  user_id: '7021436810468230477',
  buyer_email: 'alias@chat.seller.example',
  buyer_message: 'please *hurry*',
  recipient_address: {
    name: 'Sample Person',
    phone_number: '(+1)213-555-0100',
    address_line1: '1 Sample Street',
    address_line2: 'Suite 2',
    address_line3: 'back door',
    address_line4: ' ',
    full_address: '1 Sample Street, Sampletown',
    district_info: [
      { address_level: 'L0', address_name: 'United States' },
      { address_level: 'L1', address_name: 'California' },
      { address_level: 'L2', address_name: 'Sample County' },
    ],
    postal_code: '95110',
    region_code: 'US',
  },
  line_items: [
    {
      id: '577086512123755123',
      product_name: 'Sample',
      seller_sku: '',
      sku_id: '2729382476852921560',
      package_status: 'TO_FULFILL',
    },
    {
      id: '577086512123755124',
      product_name: 'Sample',
      seller_sku: 'red',
      sku_id: '2729382476852921561',
      package_status: 'TO_FULFILL',
    },
  ],
}

const read = (change: Record<string, unknown> = {}) => {
  const outcome = normalizeOrder(JSON.stringify({ ...ORDER, ...change }), 'shop')
  if (outcome.kind !== 'order') throw new Error(outcome.problem)
  return outcome.order
}

describe('An order of TikTok Shop', () => {
  const STATUSES: [string, OrderStatus][] = [
    ['UNPAID', 'PENDING_PAYMENT'],
    ['ON_HOLD', 'ON_HOLD'],
    ['AWAITING_SHIPMENT', 'AWAITING_SHIPMENT'],
    ['PARTIALLY_SHIPPING', 'PARTIALLY_SHIPPED'],
    ['AWAITING_COLLECTION', 'AWAITING_COLLECTION'],
    ['IN_TRANSIT', 'SHIPPED'],
    ['DELIVERED', 'DELIVERED'],
    ['COMPLETED', 'COMPLETED'],
    ['CANCELLED', 'CANCELLED'],
    ['CANCEL', 'CANCELLED'],
    ['SOMETHING_NEW', 'UNKNOWN'],
  ]
  for (const [raw, normal] of STATUSES)
    it(`that is ${raw} there is ${normal} here`, () => {
      const { order, problems } = read({ status: raw })
      expect(order.status).to.equal(normal)
      expect(problems.some(({ field }) => field === 'status')).to.equal(normal === 'UNKNOWN')
    })

  it('whose buyer asks to cancel is not to be shipped', () => {
    for (const status of ['AWAITING_SHIPMENT', 'PARTIALLY_SHIPPING', 'ON_HOLD'])
      expect(read({ status, is_buyer_request_cancel: true }).order).to.include({
        status: 'CANCEL_REQUESTED',
        cancelState: 'PENDING',
      })
    expect(read({ status: 'IN_TRANSIT', is_buyer_request_cancel: true }).order.status).to.equal('SHIPPED')
  })

  it('fills the fields of the tables', () => {
    const { orderId, sourceTime, person, order, personal, problems } = read({ cancel_time: 1_700_000_200 })
    expect(orderId).to.equal('576461413038785752')
    expect(sourceTime).to.equal(1_700_000_100_000)
    expect(person).to.deep.equal({ kind: 'tiktok:user', id: '7021436810468230477' })
    expect(order).to.deep.include({
      sellerName: 'shop',
      creationDate: '2023-11-14T22:13:20.000Z',
      creationTime: 1_700_000_000_000,
      lastModifiedDate: '2023-11-14T22:15:00.000Z',
      cancelledDate: '2023-11-14T22:16:40.000Z',
      fulfillmentStatus: 'TO_FULFILL',
      paymentStatus: 'PAID',
      linesComplete: true,
      lines: [
        { lineItemId: '577086512123755123', quantity: 1, title: 'Sample', sku: '2729382476852921560' },
        { lineItemId: '577086512123755124', quantity: 1, title: 'Sample', sku: 'red' },
      ],
    })
    expect(personal.buyer).to.deep.equal({
      id: '7021436810468230477',
      name: 'Sample Person',
      phone: '(+1)213-555-0100',
      email: 'alias@chat.seller.example',
      remark: 'please *hurry*',
    })
    expect(personal.receiver).to.deep.equal({
      name: 'Sample Person',
      addressLine1: '1 Sample Street',
      addressLine2: 'Suite 2 back door',
      addressDetail: '1 Sample Street, Sampletown',
      countryCode: 'US',
      postalCode: '95110',
      province: 'California',
      city: 'Sample County',
    })
    expect(problems).to.deep.equal([])
  })

  it('leaves out what is masked, so that nothing known is overwritten with stars', () => {
    const masked = {
      ...ORDER.recipient_address,
      name: 'S***',
      phone_number: '(+1)213-***-0100',
      postal_code: '95**',
      post_town: 'S*',
      district_info: [{ address_level: 'L1', address_name: 'C**' }],
    }
    const { personal } = read({ recipient_address: masked })
    expect(personal.buyer).not.to.have.any.keys('name', 'phone')
    expect(personal.receiver).not.to.have.any.keys('name', 'postalCode', 'city', 'province')
    expect(personal.receiver.addressLine1).to.equal('1 Sample Street')
  })

  it('has a tax identifier in Brazil only, and pays in three ways', () => {
    expect(read({ cpf: '321-312' }).personal.buyer).to.include({ taxId: '321-312', taxType: 'CPF' })
    expect(read({ is_cod: true }).order.paymentStatus).to.equal('COD')
    expect(read({ status: 'UNPAID', paid_time: 0 }).order.paymentStatus).to.equal('UNPAID')
  })

  it('keeps every digit of ids that came as numbers, and is nothing only without an id', () => {
    const text = JSON.stringify(ORDER).replace('"576461413038785752"', '576461413038785752')
    const outcome = normalizeOrder(text, 'shop')
    expect(outcome.kind === 'order' && outcome.order.orderId).to.equal('576461413038785752')
    expect(normalizeOrder(JSON.stringify({ ...ORDER, id: '' }), 'shop').kind).to.equal('unreadable')
    expect(read({ line_items: undefined, recipient_address: 7, create_time: 'soon' }).problems.length).to.be.at.least(3)
  })
})
