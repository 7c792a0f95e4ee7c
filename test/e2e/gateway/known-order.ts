import type { EbayOrder } from '../../simulators/ebay/index.ts'

/**
 * An order that says something in every field that we map; the buyer is taxed in Italy, so that there is a tax identifier.
 * It changed at `time`: too short ago for polling, which keeps a minute from now, to come before the notification.
 */
export function knownOrder(sellerName: string, time: number): EbayOrder {
  const before = (seconds: number) => new Date(time - seconds * 1_000).toISOString()
  const contactAddress = {
    addressLine1: 'Via dell’Esempio 3',
    addressLine2: 'Scala B 🏡',
    city: 'Roma',
    county: 'Municipio I',
    stateOrProvince: 'RM',
    postalCode: '00118',
    countryCode: 'IT',
  }
  const { addressLine1: _one, addressLine2: _two, ...taxAddress } = contactAddress
  const money = { value: '61.5', currency: 'EUR' }
  const line = { legacyItemId: '280000000001', lineItemCost: money, total: money, lineItemFulfillmentStatus: 'NOT_STARTED' }
  return {
    orderId: '77-00001-00001',
    creationDate: before(600),
    lastModifiedDate: before(0),
    orderFulfillmentStatus: 'IN_PROGRESS',
    orderPaymentStatus: 'PAID',
    sellerId: sellerName,
    buyer: {
      username: 'known_buyer',
      taxAddress,
      taxIdentifier: { taxpayerId: 'SYN123456789', taxIdentifierType: 'CODICE_FISCALE', issuingCountry: 'IT' },
      buyerRegistrationAddress: {
        fullName: 'Nicolò Esempio',
        email: 'registered@members.example',
        primaryPhone: { phoneNumber: '+39 06 5550100' },
        contactAddress,
      },
    },
    buyerCheckoutNotes: '请按两次门铃 🎁',
    pricingSummary: { priceSubtotal: money, total: money },
    cancelStatus: { cancelState: 'IN_PROGRESS', cancelledDate: before(10), cancelRequests: [] },
    paymentSummary: { totalDueSeller: money, refunds: [], payments: [] },
    fulfillmentStartInstructions: [
      {
        fulfillmentInstructionsType: 'SHIP_TO',
        ebaySupportedFulfillment: false,
        shippingStep: {
          shippingCarrierCode: 'UPS',
          shippingServiceCode: 'UPSGround',
          shipTo: {
            fullName: 'Giulia Esempio',
            companyName: 'Esempio S.r.l.',
            email: 'relay1@members.example',
            primaryPhone: { phoneNumber: '+39 06 5550199' },
            contactAddress,
          },
        },
      },
    ],
    fulfillmentHrefs: [],
    lineItems: [
      { ...line, lineItemId: '10000000001', sku: 'MALLET-450', title: 'Oak mallet, 450 g', quantity: 2, refunds: [] },
      { ...line, lineItemId: '10000000002', title: '抹茶セット 🎁', quantity: 1, refunds: [] },
    ],
  }
}
