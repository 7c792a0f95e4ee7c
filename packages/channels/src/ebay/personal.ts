import type { PersonalPart } from '@tributary/events'
import { type Field, type FieldReader, known } from '../reading/fields.ts'

type Buyer = PersonalPart['buyer']
type Receiver = PersonalPart['receiver']

/**
 * What an order says about its buyer and its receiver. eBay drops the e-mail after 14 days and names, phones and street
 * lines after 90 (Fulfillment API v1.20, ExtendedContact and Address); what is gone is left out, never empty.
 */
export function readPersonal(read: FieldReader, order: Field): { buyer: Buyer; receiver: Receiver } {
  const buyer = read.member(order, 'buyer')
  const registration = read.member(buyer, 'buyerRegistrationAddress')
  const { shipTo, isHub } = readDestination(read, order)
  const taxIdentifier = read.member(buyer, 'taxIdentifier')
  const from = (contact: Field, key: string) => read.personal(read.member(contact, key))
  const phone = (contact: Field) => from(read.member(contact, 'primaryPhone'), 'phoneNumber')
  // A hub's name and company are not the buyer's.
  const ofReceiver = (key: string) => (isHub ? undefined : from(shipTo, key))
  return {
    buyer: known({
      id: from(buyer, 'username'),
      name: from(registration, 'fullName') ?? ofReceiver('fullName'),
      phone: phone(shipTo) ?? phone(registration),
      email: from(shipTo, 'email') ?? from(registration, 'email'),
      taxId: from(taxIdentifier, 'taxpayerId'),
      taxType: from(taxIdentifier, 'taxIdentifierType'),
      companyName: ofReceiver('companyName') ?? from(registration, 'companyName'),
      // Read as plain text: a buyer may write stars.
      remark: read.text(read.member(order, 'buyerCheckoutNotes')),
    }),
    receiver: known({ name: from(shipTo, 'fullName'), ...readAddress(read, read.member(shipTo, 'contactAddress')) }),
  }
}

/** The countries of the buyer's own addresses and of the parcel's; not those where the goods are. */
export function readBuyerCountries(read: FieldReader, order: Field): string[] {
  const buyer = read.member(order, 'buyer')
  const registration = read.member(buyer, 'buyerRegistrationAddress')
  const { shipTo } = readDestination(read, order)
  const addresses = [
    read.member(buyer, 'taxAddress'),
    read.member(registration, 'contactAddress'),
    read.member(shipTo, 'contactAddress'),
  ]
  return addresses.map((address) => read.text(read.member(address, 'countryCode'))).filter((country) => country !== undefined)
}

/**
 * Where the parcel goes. With `ebaySupportedFulfillment` that is eBay's hub; the seller must not ship to
 * `finalDestinationAddress`, which stays in the original only. Digital and pick-up orders have no address.
 */
function readDestination(read: FieldReader, order: Field): { shipTo: Field; isHub: boolean } {
  const instructions = read.elements(read.member(order, 'fulfillmentStartInstructions')).map((instruction) => ({
    shipTo: read.member(read.member(instruction, 'shippingStep'), 'shipTo'),
    isHub: read.member(instruction, 'ebaySupportedFulfillment').value === true,
  }))
  const addressed = instructions.find(({ shipTo }) => shipTo.value !== undefined)
  return (
    addressed ?? { shipTo: { value: undefined, path: 'fulfillmentStartInstructions[0].shippingStep.shipTo' }, isHub: false }
  )
}

function readAddress(read: FieldReader, address: Field) {
  const part = (key: string) => read.personal(read.member(address, key))
  const addressLine1 = part('addressLine1')
  const addressLine2 = part('addressLine2')
  const county = part('county')
  const city = part('city')
  const province = part('stateOrProvince')
  const postalCode = part('postalCode')
  const countryCode = part('countryCode')
  const parts = [addressLine1, addressLine2, city, county, province, postalCode, countryCode].filter(
    (line) => line !== undefined,
  )
  // Without the street the rest is an aged address, which must not take the place of the whole one.
  const addressDetail = addressLine1 === undefined ? undefined : parts.join(', ')
  return { addressLine1, addressLine2, addressDetail, city, province, postalCode, countryCode }
}
