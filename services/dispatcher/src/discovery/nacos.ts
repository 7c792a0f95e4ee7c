import type { NacosRegistry } from '@tributary/runtime'
import { type Finding, type Found, PATIENCE, type Registry } from './registry.ts'

type Host = { ip?: unknown; port?: unknown; weight?: unknown; healthy?: unknown; enabled?: unknown }
type Login = NonNullable<NacosRegistry['login']>

/** A token is renewed when this share of its life has passed. */
const SHARE_OF_LIFE = 0.9

/**
 * Instances as Nacos' naming API tells them: those that are healthy, enabled and have a weight.
 * Source: Nacos Open API, "Query instances" (GET /v1/ns/instance/list) and "Login" (POST /v1/auth/login), which versions 1 and 2
 * have alike.
 */
export function nacosRegistry({ url, namespace, group, cluster, login }: NacosRegistry): Registry {
  const tokenOf = login && tokens(url, login)

  const list = async (serverName: string, isAgain: boolean): Promise<Finding> => {
    const parameters = new URLSearchParams({
      serviceName: serverName,
      groupName: group,
      namespaceId: namespace,
      healthyOnly: 'true',
    })
    if (cluster !== undefined) parameters.set('clusters', cluster)
    if (tokenOf) parameters.set('accessToken', await tokenOf(isAgain))
    const response = await fetch(`${url}/v1/ns/instance/list?${parameters}`, asked())
    if ((response.status === 401 || response.status === 403) && tokenOf && !isAgain) return list(serverName, true)
    if (!response.ok) throw new Refusal(`status ${response.status}`)
    return { kind: 'found', instances: instancesOf(await response.json()) }
  }
  return {
    name: `Nacos (group ${group}, namespace ${namespace})`,
    async find(serverName) {
      try {
        return await list(serverName, false)
      } catch (error) {
        return { kind: 'failed', reason: reasonOf(error) }
      }
    },
  }
}

/** A redirect could carry the token to a place that nobody named. */
const asked = () => ({ redirect: 'error', signal: AbortSignal.timeout(PATIENCE) }) as const

/** A token of a login, kept for as long as Nacos says; a new one when `isRefused` says that Nacos took the last one no more. */
function tokens(url: string, { username, password }: Login): (isRefused: boolean) => Promise<string> {
  let kept: { token: string; until: number } | undefined
  return async (isRefused) => {
    if (kept && !isRefused && performance.now() < kept.until) return kept.token
    const response = await fetch(`${url}/v1/auth/login`, {
      ...asked(),
      method: 'POST',
      body: new URLSearchParams({ username, password }),
    })
    if (!response.ok) throw new Refusal(`the login is refused with status ${response.status}`)
    const { accessToken, tokenTtl } = (await response.json()) as { accessToken?: unknown; tokenTtl?: unknown }
    if (typeof accessToken !== 'string') throw new Refusal('the login brought no token')
    const life = typeof tokenTtl === 'number' ? tokenTtl : 0
    kept = { token: accessToken, until: performance.now() + life * 1_000 * SHARE_OF_LIFE }
    return accessToken
  }
}

function instancesOf(answer: unknown): Found[] {
  const { hosts } = (answer ?? {}) as { hosts?: unknown }
  if (!Array.isArray(hosts)) throw new Refusal('an answer of another form')
  return (hosts as Host[]).flatMap(({ ip, port, weight, healthy, enabled }) => {
    if (typeof ip !== 'string' || !Number.isInteger(port) || healthy !== true || enabled !== true) return []
    if (typeof weight !== 'number' || weight <= 0) return []
    return [{ host: ip, port: port as number, weight }]
  })
}

/** What Nacos said, in our words: its own may hold anything. */
class Refusal extends Error {}

function reasonOf(error: unknown): string {
  if (error instanceof Refusal) return error.message
  if (!(error instanceof Error)) return 'no answer'
  if (error.name === 'TimeoutError') return `no answer within ${PATIENCE / 1_000} s`
  if (error instanceof SyntaxError) return 'an answer that is not JSON'
  const { code } = (error.cause ?? {}) as { code?: unknown }
  return typeof code === 'string' ? code : 'no connection'
}
