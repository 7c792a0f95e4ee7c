import { Agent, type Dispatcher, ProxyAgent } from 'undici'
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

const LIMITS = {
  allowH2: false,
  keepAliveTimeout: KEEP_ALIVE,
  keepAliveMaxTimeout: KEEP_ALIVE,
  maxHeaderSize: 16_384,
  // The deadline of the whole try stands above both.
  headersTimeout: 0,
  bodyTimeout: 0,
} as const

/** Connections that dial nothing out of `reach`; `hosts` are ways by host name. */
export function createConnections({ reach, hosts }: { reach: Reach; hosts: Readonly<Record<string, HostWay>> }): Connections {
  const ordinary = dispatcherFor(reach, {})
  const ways = new Map(
    Object.entries(hosts).map(([host, way]) => [host.toLowerCase(), { way, dispatcher: dispatcherFor(reach, way) }]),
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

function dispatcherFor(reach: Reach, { proxy, certificate }: HostWay): Dispatcher {
  const tls = certificate ?? {}
  if (proxy === undefined) return new Agent({ ...LIMITS, connect: guardedConnector(reach, { timeout: CONNECT_TIMEOUT, tls }) })
  return new ProxyAgent({ ...LIMITS, uri: proxy, requestTls: tls, connectTimeout: CONNECT_TIMEOUT })
}
