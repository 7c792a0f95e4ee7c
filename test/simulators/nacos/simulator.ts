import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { serve } from '../serving.ts'

/** An instance as Nacos lists it; healthy, enabled and of weight 1 unless told. */
export type NacosInstance = { ip: string; port: number; weight?: number; healthy?: boolean; enabled?: boolean }

/** Which service: by default of the group DEFAULT_GROUP in the namespace `public`. */
export type NacosService = { name: string; group?: string; namespace?: string; cluster?: string }

/** Which generations of the API there are: version 2 has the first, 3.2 only the third, and the login of both. */
export type NacosVersion = '2' | '3.2'

/**
 * Nacos' naming API as far as clients ask it where instances are: GET /nacos/v1/ns/instance/list and, where a login is asked for,
 * POST /nacos/v1/auth/login; GET /nacos/v3/client/ns/instance/list and POST /nacos/v3/auth/user/login.
 */
export type NacosSimulator = {
  readonly url: string
  /** How often a list was asked for. */
  readonly lists: number
  readonly logins: number
  register(service: NacosService, instances: readonly NacosInstance[]): void
  /** From now on every list answers so, until `undefined`: a status, or a text that it sends instead. */
  fault(fault: { status: number } | { body: string } | 'hang' | undefined): void
  /** Is of another version from now on. */
  upgrade(version: NacosVersion): void
  /** Every token that was given out is worth nothing any more. */
  forgetTokens(): void
  /** The server is gone until `start`; its address stays. */
  stop(): Promise<void>
  start(): Promise<void>
}

export async function createNacosSimulator({
  login,
  version = '2',
}: {
  login?: { username: string; password: string }
  version?: NacosVersion
} = {}): Promise<NacosSimulator> {
  const services = new Map<string, readonly NacosInstance[]>()
  const tokens = new Set<string>()
  const counts = { lists: 0, logins: 0 }
  let fault: Parameters<NacosSimulator['fault']>[0]

  const logIn = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    counts.logins += 1
    const given = new URLSearchParams(await text(request))
    const isKnown = given.get('username') === login?.username && given.get('password') === login?.password
    if (!isKnown) return send(response, 403, 'unknown user!')
    const accessToken = randomUUID()
    tokens.add(accessToken)
    send(response, 200, { accessToken, tokenTtl: 18_000, globalAdmin: false })
  }
  const list = (parameters: URLSearchParams, token: string, clusters: string, response: ServerResponse) => {
    counts.lists += 1
    if (fault === 'hang') return
    if (fault && 'status' in fault) return send(response, fault.status, 'caused: server is DOWN now')
    if (fault) return send(response, 200, fault.body)
    const named = (parameter: string) => parameters.get(parameter) ?? ''
    if (login && !tokens.has(token)) return send(response, 403, 'token invalid!')
    const found = services.get(keyOf(named('serviceName'), named('groupName'), named('namespaceId'), clusters))
    const name = `${named('groupName')}@@${named('serviceName')}`
    const hosts = (found ?? []).map((one) => hostOf(one, name))
    if (version === '2') send(response, 200, { name, cacheMillis: 10_000, hosts })
    else send(response, 200, { code: 0, message: 'success', data: hosts })
  }
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://nacos')
    const asked = `${request.method} ${pathname}`
    const named = (parameter: string) => searchParams.get(parameter) ?? ''
    if (asked === 'POST /nacos/v1/auth/login') return await logIn(request, response)
    if (version === '2' && asked === 'GET /nacos/v1/ns/instance/list')
      return list(searchParams, named('accessToken'), named('clusters'), response)
    if (version !== '2' && asked === 'POST /nacos/v3/auth/user/login') return await logIn(request, response)
    if (version !== '2' && asked === 'GET /nacos/v3/client/ns/instance/list')
      return list(searchParams, String(request.headers['accesstoken'] ?? ''), named('clusterName'), response)
    send(response, 404, 'no such path')
  }
  const begin = (port = 0) => serve((request, response) => void answer(request, response), port)
  let served = await begin()
  const { origin } = served
  return {
    url: `${origin}/nacos`,
    get lists() {
      return counts.lists
    },
    get logins() {
      return counts.logins
    },
    register({ name, group = 'DEFAULT_GROUP', namespace = 'public', cluster = '' }, instances) {
      services.set(keyOf(name, group, namespace, cluster), instances)
    },
    fault: (given) => {
      fault = given
    },
    upgrade: (to) => {
      version = to
    },
    forgetTokens: () => tokens.clear(),
    stop: () => served.close(),
    async start() {
      served = await begin(Number(new URL(origin).port))
    },
  }
}

const hostOf = ({ ip, port, weight = 1, healthy = true, enabled = true }: NacosInstance, serviceName: string) => ({
  ...{ ip, port, weight, healthy, enabled, ephemeral: true, valid: healthy, serviceName },
  ...{ clusterName: 'DEFAULT', metadata: {}, instanceId: `${ip}#${port}` },
})

const keyOf = (...parts: string[]): string => parts.join('@@')

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}
