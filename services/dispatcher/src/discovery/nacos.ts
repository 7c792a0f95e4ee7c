import { codeOf, type NacosRegistry } from '@tributary/runtime'
import { type Found, PATIENCE, type Registry } from './registry.ts'

type Host = { ip?: unknown; port?: unknown; weight?: unknown; healthy?: unknown; enabled?: unknown }
type Login = NonNullable<NacosRegistry['login']>

/** A token is renewed when this share of its life has passed. */
const SHARE_OF_LIFE = 0.9

/**
 * Nacos' API for clients as one generation of it has it. Source: Nacos Open API, "Query instances" and "Login": versions 1 and 2 have
 * the first alike, and 3.0 and 3.1 still take it; 3.2 has only the second.
 */
type Api = {
  login: string
  list: string
  cluster: 'clusters' | 'clusterName'
  /** Where the token goes. */
  token: 'query' | 'header'
  hostsOf(answer: unknown): unknown
}

const FIRST: Api = {
  ...{ login: '/v1/auth/login', list: '/v1/ns/instance/list', cluster: 'clusters', token: 'query' },
  hostsOf: (answer) => (answer as { hosts?: unknown } | null)?.hosts,
}
const THIRD: Api = {
  ...{ login: '/v3/auth/user/login', list: '/v3/client/ns/instance/list', cluster: 'clusterName', token: 'header' },
  // `{code, message, data}`.
  hostsOf: (answer) => (answer as { data?: unknown } | null)?.data,
}
/** What a Nacos says of a generation that it has no more, has switched off, or does not have yet. */
const UNKNOWN: ReadonlySet<number> = new Set([404, 410])

/**
 * Instances as Nacos' API for clients tells them: those that are healthy, enabled and have a weight. Which generation of the API a Nacos
 * has is found out by asking, also when it is another one day.
 */
export function nacosRegistry(registry: NacosRegistry): Registry {
  const [first, third] = [FIRST, THIRD].map((api) => listerOf(api, registry)) as [Lister, Lister]
  let current = first

  async function find(serverName: string): Promise<Found[]> {
    try {
      return await current(serverName)
    } catch (error) {
      if (!(error instanceof Refusal) || !UNKNOWN.has(error.status)) throw error
      const other = current === first ? third : first
      const found = await other(serverName)
      current = other
      return found
    }
  }
  return {
    name: `Nacos (group ${registry.group}, namespace ${registry.namespace})`,
    async find(serverName) {
      try {
        return { kind: 'found', instances: await find(serverName) }
      } catch (error) {
        return { kind: 'failed', reason: reasonOf(error) }
      }
    },
  }
}

type Lister = (serverName: string) => Promise<Found[]>

function listerOf(api: Api, { url, namespace, group, cluster, login }: NacosRegistry): Lister {
  const tokenOf = login && tokens(`${url}${api.login}`, login)
  const list = async (serverName: string, isAgain: boolean): Promise<Found[]> => {
    const named = { serviceName: serverName, groupName: group, namespaceId: namespace, healthyOnly: 'true' }
    const parameters = new URLSearchParams(named)
    if (cluster !== undefined) parameters.set(api.cluster, cluster)
    const accessToken = await tokenOf?.(isAgain)
    if (accessToken !== undefined && api.token === 'query') parameters.set('accessToken', accessToken)
    const headers = accessToken !== undefined && api.token === 'header' ? { accessToken } : {}
    const response = await fetch(`${url}${api.list}?${parameters}`, { ...asked(), headers })
    if ((response.status === 401 || response.status === 403) && tokenOf && !isAgain) return list(serverName, true)
    if (!response.ok) throw new Refusal(`status ${response.status}`, response.status)
    return instancesOf(api.hostsOf(await response.json()))
  }
  return (serverName) => list(serverName, false)
}

/** A redirect could carry the token to a place that nobody named. */
const asked = () => ({ redirect: 'error', signal: AbortSignal.timeout(PATIENCE) }) as const

/** A token of a login, kept for as long as Nacos says; a new one when `isRefused` says that Nacos took the last one no more. */
function tokens(address: string, { username, password }: Login): (isRefused: boolean) => Promise<string> {
  let kept: { token: string; until: number } | undefined
  return async (isRefused) => {
    if (kept && !isRefused && performance.now() < kept.until) return kept.token
    const response = await fetch(address, {
      ...asked(),
      method: 'POST',
      body: new URLSearchParams({ username, password }),
    })
    if (!response.ok) throw new Refusal(`the login is refused with status ${response.status}`, response.status)
    const { accessToken, tokenTtl } = (await response.json()) as { accessToken?: unknown; tokenTtl?: unknown }
    if (typeof accessToken !== 'string') throw new Refusal('the login brought no token')
    const life = typeof tokenTtl === 'number' ? tokenTtl : 0
    kept = { token: accessToken, until: performance.now() + life * 1_000 * SHARE_OF_LIFE }
    return accessToken
  }
}

/** What takes no requests is passed over; what is written so that nobody can dial it is for the locator to tell. */
function instancesOf(hosts: unknown): Found[] {
  if (!Array.isArray(hosts)) throw new Refusal('an answer of another form')
  return (hosts as (Host | null)[]).flatMap((host) => {
    const { ip, port, weight, healthy, enabled } = host ?? {}
    if (healthy !== true || enabled !== true || typeof weight !== 'number' || weight <= 0) return []
    return [{ host: typeof ip === 'string' ? ip : '', port: Number.isInteger(port) ? (port as number) : 0, weight }]
  })
}

/** What Nacos said, in our words: its own may hold anything. */
class Refusal extends Error {
  readonly status: number
  constructor(message: string, status = 0) {
    super(message)
    this.status = status
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Refusal) return error.message
  if (!(error instanceof Error)) return 'no answer'
  if (error.name === 'TimeoutError') return `no answer within ${PATIENCE / 1_000} s`
  if (error instanceof SyntaxError) return 'an answer that is not JSON'
  return codeOf(error.cause) ?? 'no connection'
}
