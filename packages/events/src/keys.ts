/** Parts are percent-encoded, so `:` separates only. Half a surrogate pair, which has no encoding, becomes U+FFFD. */
const join = (...parts: (string | number)[]): string =>
  parts.map((part) => encodeURIComponent(String(part).toWellFormed())).join(':')

/** Key of everything about one order: `channel:seller:order`. */
export const orderKey = (channel: number, sellerId: string, orderId: string): string => join(channel, sellerId, orderId)

/** Key of everything about one seller: `channel:seller`. */
export const sellerKey = (channel: number, sellerId: string): string => join(channel, sellerId)

/** Key of everything about one corp of WeCom: its id. */
export const corpKey = (authCorpId: string): string => join(authCorpId)

/** Takes a key apart into its decoded parts. */
export const keyParts = (key: string): string[] => key.split(':').map(decodeURIComponent)

/** An order as a holder of a person's data: enough to append the `PersonalDataErased` of it. */
export type OrderHolder = { channel: number; sellerId: string; orderId: string; sellerRowId: number }

/** The name under which the vault notes that an order holds data of a person: `order:channel:seller:order:sellerRowId`. */
export const orderHolder = (channel: number, sellerId: string, orderId: string, sellerRowId: number): string =>
  join('order', channel, sellerId, orderId, sellerRowId)

/** Reads a name that `orderHolder` made; undefined for a holder that is no order. */
export const parseOrderHolder = (text: string): OrderHolder | undefined => {
  const [kind, channel, sellerId, orderId, sellerRowId, ...rest] = keyParts(text)
  if (kind !== 'order' || sellerId === undefined || orderId === undefined || rest.length > 0) return undefined
  const holder = { channel: Number(channel), sellerId, orderId, sellerRowId: Number(sellerRowId) }
  return Number.isSafeInteger(holder.channel) && Number.isSafeInteger(holder.sellerRowId) ? holder : undefined
}
