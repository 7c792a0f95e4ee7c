/** Not mapped by anybody, only kept: what makes an order large. */
const BALLAST = '字😀'

/**
 * The text of an order of more than 5 MB: 1,000 lines, emoji and Chinese in every text, a remark of 600 characters, titles of
 * 300, prices as numbers, a status that nobody has heard of.
 */
export function monstrousOrder(orderId: string, time: number): { text: string; title: string; remark: string } {
  const at = new Date(time).toISOString()
  const title = '锤😀'.repeat(150)
  const remark = '请😀'.repeat(300)
  const price = { value: 61.5, currency: '欧元😀' }
  const contactAddress = {
    addressLine1: '样本路八十八号😀',
    addressLine2: '三单元 𠮷座',
    city: '北京😀',
    stateOrProvince: '北京市😀',
    postalCode: '邮编😀',
    countryCode: '中😀',
  }
  const contact = {
    fullName: '王小明😀',
    companyName: '公司😀',
    email: '信箱😀',
    primaryPhone: { phoneNumber: '电话😀' },
    contactAddress,
  }
  const lineItems = Array.from({ length: 1_000 }, (_, index) => ({
    lineItemId: `行😀${index}`,
    title,
    sku: '货😀',
    quantity: 2,
    lineItemCost: price,
    note: BALLAST.repeat(600),
  }))
  const order = {
    orderId,
    creationDate: at,
    lastModifiedDate: at,
    orderFulfillmentStatus: '不明😀',
    orderPaymentStatus: 'PAID',
    sellerId: '卖家😀',
    buyer: {
      username: '买家😀',
      taxIdentifier: { taxpayerId: '税号😀', taxIdentifierType: '税种😀' },
      buyerRegistrationAddress: contact,
    },
    buyerCheckoutNotes: remark,
    cancelStatus: { cancelState: 'NONE_REQUESTED' },
    fulfillmentStartInstructions: [{ shippingStep: { shipTo: contact } }],
    lineItems,
  }
  // As eBay might write it: no serializer of ours would give this number.
  return { text: JSON.stringify(order).replaceAll('"value":61.5,', '"value":61.50,'), title, remark }
}

/** The text of an order in which hardly a field has the type that eBay documents. */
export function mistypedOrder(orderId: string): string {
  return JSON.stringify({
    orderId,
    creationDate: 1_795_425_000,
    lastModifiedDate: null,
    orderFulfillmentStatus: ['NOT_STARTED'],
    orderPaymentStatus: 'PAID',
    sellerId: 4711,
    buyer: 'nobody',
    buyerCheckoutNotes: { text: 'hello' },
    cancelStatus: [],
    paymentSummary: true,
    fulfillmentStartInstructions: 'none',
    lineItems: [
      'a line',
      { lineItemId: 10_000_000_001, quantity: '2', title: 300, sku: null, lineItemCost: 'twelve' },
      { lineItemId: '10000000002', quantity: 1.5, title: ['x'], sku: true },
      { quantity: 1, title: 'no id' },
    ],
  })
}
