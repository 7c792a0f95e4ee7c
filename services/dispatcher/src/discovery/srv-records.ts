import { Resolver } from 'node:dns/promises'
import { codeOf } from '@tributary/runtime'
import { type Finding, PATIENCE, type Registry } from './registry.ts'

/** A record of weight 0 is chosen seldom beside others (RFC 2782), and alone always. */
const LIGHTEST = 0.01

/**
 * Instances by SRV records (RFC 2782): those of the lowest priority, each with its weight. `template` holds
 * `{server_name}`; `servers` are asked instead of the system's, for tests.
 */
export function srvRecords(template: string, servers?: readonly string[]): Registry {
  const resolver = new Resolver({ timeout: PATIENCE / 2, tries: 2 })
  if (servers) resolver.setServers(servers)
  return {
    name: 'DNS',
    async find(serverName) {
      try {
        return { kind: 'found', instances: lowest(await resolver.resolveSrv(template.replaceAll('{server_name}', serverName))) }
      } catch (error) {
        return findingOf(error)
      }
    },
  }
}

function lowest(records: readonly { name: string; port: number; priority: number; weight: number }[]) {
  const priority = Math.min(...records.map((record) => record.priority))
  return (
    records
      .filter((record) => record.priority === priority)
      // A lone dot says that the service is not to be had here.
      .filter(({ name }) => name !== '' && name !== '.')
      .map(({ name, port, weight }) => ({ host: name, port, weight: Math.max(weight, LIGHTEST) }))
  )
}

function findingOf(error: unknown): Finding {
  const code = codeOf(error)
  // The answer was that there is nothing.
  if (code === 'ENOTFOUND' || code === 'ENODATA') return { kind: 'found', instances: [] }
  return { kind: 'failed', reason: code ?? 'no answer' }
}
