import { Agent, type Dispatcher, Pool, ProxyAgent } from 'undici'
import type { Reach } from './addresses.ts'
import { guardedConnector, lookAtReach } from './connector.ts'

/**
 * How one host is reached where that is not the ordinary way. `proxy`: its address, with user and password where it asks for
 * them. `certificate`: what we show to the host, both PEM.
 */
export type HostWay = { proxy?: string; certificate?: { cert: string; key: string } }

/** Connections to receivers: one pool for each origin. */
export type Connections = {
  /**
   * What sends to a URL, or `refused` when that is known before a connection: behind a proxy nobody here sees which address
   * is dialled, so what the name is here decides.
   */
  to(url: URL): Promise<Dispatcher | 'refused'>
  /** Drops every connection. */
  close(): Promise<void>
}

const CONNECT_TIMEOUT = 5_000
/** Milliseconds for the name of a host behind a proxy; one that is known to the proxy alone is the proxy's to judge. */
const LOOKUP_TIMEOUT = 2_000
/** Idle connections are dropped before the five seconds after which many servers do it, so that no request meets a closed one. */
const KEEP_ALIVE = 4_000
/** Milliseconds after which a connection takes no new request, so that a name which leads elsewhere by now is heeded under traffic, too. */
const RENEW_AFTER = 60_000

const LIMITS = {
  allowH2: false,
  keepAliveTimeout: KEEP_ALIVE,
  keepAliveMaxTimeout: KEEP_ALIVE,
  maxHeaderSize: 16_384,
  // The deadline of the whole try stands above both.
  headersTimeout: 0,
  bodyTimeout: 0,
} as const

/** Connections that dial nothing out of `reach`; `hosts` are ways by host name. `renewAfter`, milliseconds, is for tests. */
export function createConnections({
  reach,
  hosts,
  renewAfter = RENEW_AFTER,
}: {
  reach: Reach
  hosts: Readonly<Record<string, HostWay>>
  renewAfter?: number
}): Connections {
  const dispatcherFor = (way: HostWay) => createDispatcher(reach, way, renewAfter)
  const ordinary = dispatcherFor({})
  const ways = new Map(
    Object.entries(hosts).map(([host, way]) => [host.toLowerCase(), { way, dispatcher: dispatcherFor(way) }]),
  )
  return {
    async to(url) {
      const special = ways.get(url.hostname)
      if (!special) return ordinary
      const isClosed =
        special.way.proxy !== undefined && (await lookAtReach(url.href, reach, { timeout: LOOKUP_TIMEOUT })) === 'refused'
      return isClosed ? 'refused' : special.dispatcher
    },
    close: async () => {
      await Promise.all([ordinary, ...[...ways.values()].map(({ dispatcher }) => dispatcher)].map((one) => one.destroy()))
    },
  }
}

function createDispatcher(reach: Reach, { proxy, certificate }: HostWay, renewAfter: number): Dispatcher {
  const limits = { ...LIMITS, clientTtl: renewAfter }
  const tls = certificate ?? {}
  if (proxy === undefined) return new Agent({ ...limits, connect: guardedConnector(reach, { timeout: CONNECT_TIMEOUT, tls }) })
  // To a pool of plain requests it hands nothing of its own options on.
  const factory = (origin: URL, options: object) => new Pool(origin, { ...limits, ...options })
  return new ProxyAgent({ ...limits, factory, uri: proxy, requestTls: tls, connectTimeout: CONNECT_TIMEOUT })
}
