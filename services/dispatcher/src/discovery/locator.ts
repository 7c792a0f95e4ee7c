import { isIP } from 'node:net'
import type { Instance } from '@tributary/delivery'
import type { Configuration } from '@tributary/runtime'
import { nacosRegistry } from './nacos.ts'
import type { Finding, Found, Registry } from './registry.ts'
import { srvRecords } from './srv-records.ts'

/**
 * Where a service is: at least one instance, with what an operator should know of those that its registry names and that
 * nobody could dial; or what must be done so that it can be told.
 */
export type Located = { instances: readonly [Instance, ...Instance[]]; leftOut?: string } | { problem: string }

export type Locator = {
  /**
   * Asks the registry about services whose last answer is older than some seconds. Waits only for those that were never
   * asked about; what is known is renewed on the side, and kept while the registry is away. Never throws.
   */
  look(serverNames: readonly string[]): Promise<void>
  /** Where a service is by what is known now. */
  find(serverName: string): Located
}

/** Milliseconds that an answer of a registry is taken for new. */
const FRESH = 5_000

/** What DNS and an address can hold. */
const HOST_NAME = /^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9])?$/

/** The last good answer about a service, and how the last one failed. `askedTime` by the monotonic clock. */
type Known = { found?: readonly Found[]; failure?: string; askedTime: number; asking?: Promise<void> }

/**
 * Finds SPI services by their `server_name`: first in the configuration, then as its `discovery` says. `registry` and `now`,
 * milliseconds of a clock that never jumps, are for tests.
 */
export function createLocator(
  { spiServices, spiDiscovery }: Pick<Configuration, 'spiServices' | 'spiDiscovery'>,
  registry = registryOf(spiDiscovery),
  now: () => number = () => performance.now(),
): Locator {
  const known = new Map<string, Known>()

  const ask = async (from: Registry, serverName: string, entry: Known): Promise<void> => {
    entry.askedTime = now()
    const finding: Finding = HOST_NAME.test(serverName)
      ? await from.find(serverName)
      : { kind: 'failed', reason: 'its name may hold letters, digits, dots, _ and - only' }
    if (finding.kind === 'failed') entry.failure = finding.reason
    else {
      delete entry.failure
      entry.found = finding.instances
    }
  }
  return {
    async look(serverNames) {
      if (!registry) return
      const waited = serverNames
        .filter((name) => !(name in spiServices))
        .map((name) => {
          const entry: Known = known.get(name) ?? { askedTime: Number.NEGATIVE_INFINITY }
          known.set(name, entry)
          const isNew = entry.askedTime === Number.NEGATIVE_INFINITY
          if (!entry.asking && now() - entry.askedTime >= FRESH)
            entry.asking = ask(registry, name, entry).finally(() => delete entry.asking)
          return isNew ? entry.asking : undefined
        })
      await Promise.all(waited)
    },
    find(serverName) {
      const given = spiServices[serverName]
      if (given !== undefined) return configured(given, serverName)
      if (!spiDiscovery) return { problem: `Nothing says where '${serverName}' is: ${remedy(serverName)}.` }
      if (!registry) return byName(spiDiscovery.address, serverName)
      return locatedOf(registry, spiDiscovery.address, serverName, known.get(serverName))
    },
  }
}

const remedy = (serverName: string): string =>
  `set qifu.eg.spi.services.${serverName} or qifu.eg.spi.discovery in the configuration`

function registryOf(discovery: Configuration['spiDiscovery']): Registry | undefined {
  if (discovery?.nacos) return nacosRegistry(discovery.nacos)
  return discovery?.srv === undefined ? undefined : srvRecords(discovery.srv)
}

const configured = (url: string, serverName: string): Located =>
  URL.canParse(url)
    ? { instances: [{ url, weight: 1 }] }
    : { problem: `What stands at qifu.eg.spi.services.${serverName} is no address: mend its host or its port.` }

/** A name that the dial resolves. */
function byName(address: string, serverName: string): Located {
  const url = address.replaceAll('{server_name}', serverName)
  if (HOST_NAME.test(serverName) && URL.canParse(url)) return { instances: [{ url, weight: 1 }] }
  return { problem: `'${serverName}' cannot stand in an address: ${remedy(serverName)}.` }
}

function locatedOf({ name }: Registry, address: string, serverName: string, known: Known | undefined): Located {
  const found = (known?.found ?? []).map((place) => ({ place, instance: instanceAt(address, serverName, place) }))
  const [first, ...others] = found.flatMap(({ instance }) => instance ?? [])
  const bad = found.filter(({ instance }) => !instance).map(({ place }) => written(place))
  const told = `of '${serverName}' that cannot stand in an address: ${[...bad.slice(0, MOST_TOLD), ...(bad.length > MOST_TOLD ? ['…'] : [])].join(', ')}.`
  if (first) {
    const leftOut = `${name} names instances ${told} They are left out.`
    return { instances: [first, ...others], ...(bad.length === 0 ? {} : { leftOut }) }
  }
  if (bad.length > 0) return { problem: `${name} names no instances but some ${told} Mend them there.` }
  if (known?.found) return { problem: `${name} knows no healthy instance of '${serverName}'.` }
  return {
    problem: `${name} cannot say where '${serverName}' is: ${known?.failure ?? 'it was not asked yet'}. Or ${remedy(serverName)}.`,
  }
}

/** Instances that one sentence names. */
const MOST_TOLD = 3

/** What a registry holds is others' word: a host must not become a path, or a password. Where it leads to, the dial checks. */
function instanceAt(address: string, serverName: string, { host, port, weight }: Found): Instance | undefined {
  if (!isHost(host)) return undefined
  const instance = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const url = address.replaceAll('{instance}', instance).replaceAll('{server_name}', serverName)
  return port >= 1 && URL.canParse(url) ? { url, weight } : undefined
}

const isHost = (host: string): boolean => isIP(host) !== 0 || HOST_NAME.test(host)

/** A host of another form may hold anything, so it is not shown. */
const written = ({ host, port }: Found): string => `${isHost(host) ? host : '(a host of another form)'}:${port}`
