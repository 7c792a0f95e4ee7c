import { parseNetwork } from '../network.ts'
import type { ConfigurationProblem } from './error.ts'

/** The entries of a list of networks that are no network and no address. */
export function networkProblems(key: string, networks: readonly string[] = []): ConfigurationProblem[] {
  return networks
    .filter((text) => parseNetwork(text) === undefined)
    .map((text) => ({
      key,
      expected: 'networks or addresses',
      found: text,
      fix: 'Write each as 10.1.0.0/16, fd12::/48 or 192.168.3.7.',
    }))
}
