/** The partition keys and the holder names of orders and sellers. Parts are percent-encoded, so `:` separates only. */
const join = (...parts: (string | number)[]): string => parts.map((part) => encodeURIComponent(part)).join(':')

/** Key of everything about one order: `channel:seller:order`. */
export const orderKey = (channel: number, sellerId: string, orderId: string): string => join(channel, sellerId, orderId)

/** Key of everything about one seller: `channel:seller`. */
export const sellerKey = (channel: number, sellerId: string): string => join(channel, sellerId)

/** Takes a key apart into its decoded parts. */
export const keyParts = (key: string): string[] => key.split(':').map(decodeURIComponent)
