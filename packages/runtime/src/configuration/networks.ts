import { isIP } from 'node:net'
import type { ConfigurationProblem } from './error.ts'

/** The entries of `tributary.delivery.allow-addresses` that are no network and no address. */
export function networkProblems(networks: readonly string[]): ConfigurationProblem[] {
  return networks
    .filter((text) => !isNetwork(text))
    .map((text) => ({
      key: 'tributary.delivery.allow-addresses',
      expected: 'networks or addresses',
      found: text,
      fix: 'Write each as 10.1.0.0/16, fd12::/48 or 192.168.3.7.',
    }))
}

function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  const family = isIP(address)
  const longest = family === 6 ? 128 : 32
  return family !== 0 && rest.length === 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= longest))
}
