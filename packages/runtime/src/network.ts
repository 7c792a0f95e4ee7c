import { isIP } from 'node:net'

/** A network: an address and how many of its bits count. */
export type Network = readonly [address: string, bits: number]

/** `10.1.0.0/16` or `fd12::/48` to its parts; a single address is a network of its own. Undefined for any other text. */
export function parseNetwork(text: string): Network | undefined {
  const [address = '', bits, ...rest] = text.split('/')
  const family = isIP(address)
  const longest = family === 6 ? 128 : 32
  const length = bits === undefined ? longest : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN
  return family !== 0 && rest.length === 0 && length <= longest ? [address, length] : undefined
}
