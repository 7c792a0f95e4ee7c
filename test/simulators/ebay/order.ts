export type Money = { value: string; currency: string }

export type Address = {
  addressLine1?: string
  addressLine2?: string
  city: string
  stateOrProvince?: string
  postalCode?: string
  countryCode: string
}

export type Contact = {
  fullName?: string
  companyName?: string
  email?: string
  primaryPhone?: { phoneNumber: string }
  contactAddress: Address
}

export type LineItem = {
  lineItemId: string
  legacyItemId: string
  sku?: string
  title: string
  quantity: number
  lineItemCost: Money
  total: Money
  lineItemFulfillmentStatus: string
  refunds: unknown[]
}

/**
 * An order as getOrder gives it: the part of eBay's `Order` (Fulfillment OpenAPI v1.20.7) that somebody here reads, with
 * room for the rest.
 */
export type EbayOrder = {
  orderId: string
  creationDate: string
  lastModifiedDate: string
  orderFulfillmentStatus: string
  orderPaymentStatus: string
  sellerId: string
  buyer: {
    username: string
    taxAddress: Omit<Address, 'addressLine1' | 'addressLine2'>
    taxIdentifier?: { taxpayerId: string; taxIdentifierType: string; issuingCountry: string }
    buyerRegistrationAddress: Contact
  }
  buyerCheckoutNotes?: string
  cancelStatus: { cancelState: string; cancelledDate?: string; cancelRequests: unknown[] }
  paymentSummary: { totalDueSeller: Money; refunds: unknown[]; payments: unknown[] }
  fulfillmentStartInstructions: {
    fulfillmentInstructionsType: string
    ebaySupportedFulfillment: boolean
    finalDestinationAddress?: Address
    shippingStep?: { shippingCarrierCode: string; shippingServiceCode: string; shipTo: Contact }
  }[]
  fulfillmentHrefs: string[]
  lineItems: LineItem[]
  [other: string]: unknown
}

/** What getOrders leaves out: the tax identifier and the requests to cancel. */
export function listForm(order: EbayOrder): EbayOrder {
  const { taxIdentifier: _, ...buyer } = order.buyer
  return { ...order, buyer, cancelStatus: { ...order.cancelStatus, cancelRequests: [] } }
}
