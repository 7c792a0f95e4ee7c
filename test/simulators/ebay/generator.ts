import { createRandom, type Random } from '../../random.ts'
import type { Contact, EbayOrder, LineItem, Money } from './order.ts'
import { HUB, type MadeUpPerson, PEOPLE, REMARKS, TITLES } from './people.ts'

export type OrderGenerator = (seller: { username: string }, now: number) => EbayOrder

/** So few buyers that some of them buy again. */
const BUYERS = 60

/**
 * Makes up paid orders that nobody shipped yet: one to five lines, buyers from several countries and scripts, now and then a
 * remark, a pick-up, or a parcel that goes to eBay's hub. The same seed gives the same orders, except for their times.
 */
export function createOrderGenerator(seed: number): OrderGenerator {
  const random = createRandom(seed)
  const prefix = String(10 + (seed % 90))
  let made = 0

  return (seller, now) => {
    made += 1
    const orderId = `${prefix}-${String(made).padStart(5, '0')}-${random.digits(5)}`
    const buyer = random.below(BUYERS)
    const person = PEOPLE[buyer % PEOPLE.length] ?? PEOPLE[0]
    const lineItems = Array.from({ length: 1 + random.below(random.chance(0.1) ? 5 : 2) }, (_, index) =>
      lineItem(random, `1${String(made).padStart(9, '0')}${String(index + 1).padStart(4, '0')}`, person.currency),
    )
    const total = amount(
      lineItems.reduce((sum, line) => sum + Number(line.total.value), 0),
      person.currency,
    )
    const time = new Date(now).toISOString()
    return {
      orderId,
      creationDate: time,
      lastModifiedDate: time,
      orderFulfillmentStatus: 'NOT_STARTED',
      orderPaymentStatus: 'PAID',
      sellerId: seller.username,
      buyer: buyerOf(person, `buyer_${buyer}`, random),
      ...(random.chance(0.3) ? { buyerCheckoutNotes: random.pick(REMARKS) } : {}),
      pricingSummary: { priceSubtotal: total, total },
      cancelStatus: { cancelState: 'NONE_REQUESTED', cancelRequests: [] },
      paymentSummary: {
        totalDueSeller: total,
        refunds: [],
        payments: [{ paymentMethod: 'EBAY', paymentDate: time, amount: total, paymentStatus: 'PAID' }],
      },
      fulfillmentStartInstructions: [instruction(person, random)],
      fulfillmentHrefs: [],
      lineItems,
      salesRecordReference: String(10_000 + made),
    }
  }
}

function buyerOf(person: MadeUpPerson, username: string, random: Random): EbayOrder['buyer'] {
  const { addressLine1: _one, addressLine2: _two, ...taxAddress } = person.address
  const { countryCode } = person.address
  const taxed = countryCode === 'IT' || countryCode === 'ES'
  const type = countryCode === 'IT' ? 'CODICE_FISCALE' : 'DNI'
  return {
    username,
    taxAddress,
    ...(taxed
      ? { taxIdentifier: { taxpayerId: `SYN${random.digits(9)}`, taxIdentifierType: type, issuingCountry: countryCode } }
      : {}),
    buyerRegistrationAddress: contact(person, random),
  }
}

function contact(person: MadeUpPerson, random: Random): Contact {
  return {
    fullName: person.name,
    ...(person.company === undefined ? {} : { companyName: person.company }),
    contactAddress: { ...person.address },
    primaryPhone: { phoneNumber: person.phone },
    email: `${random.digits(20)}@members.ebay.com`,
  }
}

function instruction(person: MadeUpPerson, random: Random): EbayOrder['fulfillmentStartInstructions'][number] {
  if (random.chance(0.03)) return { fulfillmentInstructionsType: 'PREPARE_FOR_PICKUP', ebaySupportedFulfillment: false }
  const viaHub = person.address.countryCode !== 'US' && random.chance(0.1)
  return {
    fulfillmentInstructionsType: 'SHIP_TO',
    ebaySupportedFulfillment: viaHub,
    ...(viaHub ? { finalDestinationAddress: { ...person.address } } : {}),
    shippingStep: {
      shippingCarrierCode: 'UPS',
      shippingServiceCode: 'UPSGround',
      shipTo: contact(viaHub ? HUB : person, random),
    },
  }
}

function lineItem(random: Random, lineItemId: string, currency: string): LineItem {
  const quantity = 1 + random.below(3)
  const total = amount(quantity * (1 + random.below(80)), currency)
  return {
    lineItemId,
    legacyItemId: `28${random.digits(10)}`,
    ...(random.chance(0.9) ? { sku: `SYN-SKU-${random.digits(4)}` } : {}),
    title: random.pick(TITLES),
    quantity,
    lineItemCost: total,
    total,
    lineItemFulfillmentStatus: 'NOT_STARTED',
    refunds: [],
  }
}

function amount(value: number, currency: string): Money {
  return { value: value.toFixed(1), currency }
}
