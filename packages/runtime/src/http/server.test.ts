import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { until } from '@tributary/test/servers'
import { expect } from 'chai'
import { createLogger } from '../logger.ts'
import { Problem } from '../problem.ts'
import type { HealthReport, Service } from '../service.ts'
import { createRouter, type Route } from './routes.ts'
import { createHttpServer, type HttpServer, type HttpTimeouts } from './server.ts'

describe('the HTTP server', () => {
  let server: HttpServer
  let lines: string[]
  const bodies: Buffer[] = []
  afterEach(() => server.stop())
  beforeEach(() => {
    bodies.length = 0
  })

  async function serve(options: { routes?: Route[]; health?: Service[]; timeouts?: Partial<HttpTimeouts> } = {}) {
    lines = []
    const logger = createLogger({ level: 'debug', format: 'json', destination: { write: (line) => void lines.push(line) } })
    server = createHttpServer({
      host: '127.0.0.1',
      port: 0,
      logger,
      routers: [createRouter(options.routes ?? [echo])],
      health: options.health ?? [],
      ...(options.timeouts ? { timeouts: options.timeouts } : {}),
    })
    await server.start()
    return server.url
  }

  const echo: Route = {
    path: '/echo',
    get: (_request, response) => void response.json({}),
    post: {
      bodyLimit: 1_024,
      handle(request, response) {
        bodies.push(request.body)
        response.status(204).end()
      },
    },
  }
  const service = (report: () => Promise<HealthReport>): Service => ({
    name: 'worker',
    start: async () => {},
    stop: async () => {},
    health: report,
  })

  it('gives a handler the very bytes of the body, whatever its type', async () => {
    const url = await serve()
    const bytes = Buffer.from([0x7b, 0xff, 0x00, 0x0d, 0x0a, 0x7d])
    for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded']) {
      const answer = await fetch(`${url}/echo`, { method: 'POST', body: bytes, headers: { 'Content-Type': type } })
      expect(answer.status).to.equal(204)
    }
    await fetch(`${url}/echo`, { method: 'POST' })
    expect(bodies).to.deep.equal([bytes, bytes, bytes, Buffer.alloc(0)])
  })

  it('takes a body of exactly the limit and refuses one byte more, announced or not', async () => {
    const url = await serve()
    const post = (body: Buffer | ReadableStream, more: object = {}) => fetch(`${url}/echo`, { method: 'POST', body, ...more })
    expect((await post(Buffer.alloc(1_024))).status).to.equal(204)
    expect((await post(Buffer.alloc(1_025))).status).to.equal(413)
    const chunked = await post(new Blob([Buffer.alloc(1_025)]).stream(), { duplex: 'half' })
    expect(chunked.status).to.equal(413)
    expect(await chunked.json()).to.include({ code: 'BODY_TOO_LARGE', status: 413 })
    expect(bodies).to.have.length(1)
  })

  it('refuses compressed bodies, which may be far larger than they look', async () => {
    const url = await serve()
    const answer = await fetch(`${url}/echo`, { method: 'POST', body: 'x', headers: { 'Content-Encoding': 'gzip' } })
    expect(answer.status).to.equal(415)
  })

  it('knows no address and no method that it was not given', async () => {
    const url = await serve()
    for (const path of ['/', '/nothing', '/echo/', '/ECHO', '/healthz/x', '/%2e%2e/etc/passwd']) {
      expect((await fetch(`${url}${path}`)).status, path).to.equal(404)
    }
    expect((await fetch(`${url}/%ff`)).status).to.be.oneOf([400, 404])
    const answer = await fetch(`${url}/echo`, { method: 'DELETE' })
    expect(answer.status).to.equal(405)
    expect(answer.headers.get('allow')).to.equal('GET, HEAD, POST')
  })

  it('answers errors as problem details without their insides', async () => {
    const secret = new Error('the password is hunter2')
    const url = await serve({
      routes: [
        { path: '/bug', get: () => Promise.reject(secret) },
        {
          path: '/problem',
          get: () => {
            throw new Problem(503, 'NOT_KEPT', 'Send it again.', { headers: { 'Retry-After': '30' }, cause: secret })
          },
        },
      ],
    })
    const bug = await fetch(`${url}/bug`)
    expect(bug.status).to.equal(500)
    expect(bug.headers.get('content-type')).to.contain('application/problem+json')
    const text = await bug.text()
    expect(text).not.to.match(/hunter2|\.ts|Error:/)
    const { instance, ...rest } = JSON.parse(text)
    expect(rest).to.include({ type: 'about:blank', title: 'Internal Server Error', status: 500, code: 'INTERNAL' })
    expect(instance).to.equal(`urn:uuid:${bug.headers.get('x-request-id')}`)
    const problem = await fetch(`${url}/problem`)
    expect(problem.headers.get('retry-after')).to.equal('30')
    expect(await problem.json()).to.include({ status: 503, code: 'NOT_KEPT', detail: 'Send it again.' })
    expect(lines.join('')).to.contain(String(bug.headers.get('x-request-id')))
  })

  it('sends headers that keep answers from being framed, sniffed, cached or traced to their software', async () => {
    const url = await serve()
    const { headers } = await fetch(`${url}/echo`)
    expect(headers.get('x-powered-by')).to.equal(null)
    expect(headers.get('x-content-type-options')).to.equal('nosniff')
    expect(headers.get('content-security-policy')).to.contain("default-src 'none'")
    expect(headers.get('referrer-policy')).to.equal('no-referrer')
    expect(headers.get('strict-transport-security')).to.equal('max-age=31536000')
    expect(headers.get('x-frame-options')).to.equal('DENY')
    expect(headers.get('cross-origin-opener-policy')).to.equal('same-origin')
    expect(headers.get('cross-origin-resource-policy')).to.equal('same-origin')
    expect(headers.get('cache-control')).to.equal('no-store')
  })

  it('writes a line for each request, and nothing of its query', async () => {
    const url = await serve()
    await fetch(`${url}/echo?code=hidden-1&state=hidden-2&other=hidden-3`)
    await until('the request is logged', () => lines.some((line) => line.includes('"/echo"')))
    expect(lines.join('')).not.to.match(/hidden-\d/)
    expect(JSON.parse(lines.at(-1) ?? '')).to.include({ method: 'GET', path: '/echo', status: 200 })
  })

  it('breaks off a request that comes too slowly, headers or body', async () => {
    const url = await serve({ timeouts: { headers: 200, request: 400 } })
    const slowHeaders = await open(url)
    slowHeaders.write('GET /echo HTTP/1.1\r\nHost: x\r\nX-Slow')
    const slowBody = await open(url)
    slowBody.write('POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345')
    for (const socket of [slowHeaders, slowBody]) expect(await everything(socket)).to.match(/^HTTP\/1\.1 408/)
    expect(bodies).to.have.length(0)
  })

  it('gives half a body to no handler', async () => {
    const url = await serve()
    const socket = await open(url)
    socket.end('POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345')
    await once(socket.resume(), 'close')
    await until('the request is logged', () => lines.some((line) => line.includes('"/echo"')))
    expect(bodies).to.have.length(0)
  })

  it('is healthy while a service is degraded, and unhealthy while one is down or silent, and takes requests all the time', async () => {
    const reports: Record<string, () => Promise<HealthReport>> = {
      ok: async () => ({ name: 'worker', status: 'ok', details: { lag: 0 } }),
      degraded: async () => ({ name: 'worker', status: 'degraded', reason: 'Three keys are parked.' }),
      down: async () => ({ name: 'worker', status: 'down', reason: 'It stands still.' }),
      throwing: async () => Promise.reject(new Error('hunter2')),
    }
    let current = 'ok'
    const url = await serve({ health: [service(() => (reports[current] ?? (() => Promise.reject()))())] })
    const ask = async (kind: string) => {
      current = kind
      const health = await fetch(`${url}/healthz`)
      const ready = await fetch(`${url}/readyz`)
      return { health: health.status, ready: ready.status, text: await health.text() }
    }
    expect(await ask('ok')).to.deep.include({ health: 200, ready: 200 })
    expect(await ask('degraded')).to.deep.include({ health: 200, ready: 200 })
    expect(await ask('down')).to.deep.include({ health: 503, ready: 200 })
    const thrown = await ask('throwing')
    expect(thrown).to.deep.include({ health: 503, ready: 200 })
    expect(thrown.text).not.to.contain('hunter2')
    expect(lines.join('')).to.contain('a service could not report how it is')
  })

  it('counts a service that does not report in time as down', async () => {
    const url = await serve({ health: [service(() => new Promise(() => {}))] })
    const health = await fetch(`${url}/healthz`)
    expect(health.status).to.equal(503)
    expect(await health.json()).to.have.property('status', 'down')
  })

  it('finishes requests in hand when it stops, and drops idle connections', async () => {
    const entered = Promise.withResolvers<void>()
    const leave = Promise.withResolvers<void>()
    const slow: Route = {
      path: '/slow',
      async get(_request, response) {
        entered.resolve()
        await leave.promise
        response.json({ finished: true })
      },
    }
    const url = await serve({ routes: [slow] })
    const idle = await open(url)
    const answer = fetch(`${url}/slow`)
    await entered.promise
    const stopped = server.stop()
    await once(idle.resume(), 'close')
    leave.resolve()
    expect(await (await answer).json()).to.deep.equal({ finished: true })
    await stopped
    await server.stop()
  })

  it('stops within its bound though a request never ends', async () => {
    const entered = Promise.withResolvers<void>()
    const forever: Route = {
      path: '/forever',
      get() {
        entered.resolve()
        return new Promise<void>(() => {})
      },
    }
    const url = await serve({ routes: [forever], timeouts: { closing: 100 } })
    const answer = fetch(`${url}/forever`).catch(() => 'broken off')
    await entered.promise
    const started = performance.now()
    await server.stop()
    expect(performance.now() - started).to.be.at.least(90)
    expect(await answer).to.equal('broken off')
  })

  it('says what to do when its port is taken', async () => {
    const url = await serve()
    const { port } = new URL(url)
    const second = createHttpServer({
      host: '127.0.0.1',
      port: Number(port),
      logger: createLogger({ level: 'silent', format: 'json' }),
      routers: [],
      health: [],
    })
    const error: unknown = await second.start().then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect(error)
      .to.be.instanceOf(Error)
      .with.property('message')
      .that.contains(`127.0.0.1:${port}`)
      .and.contains('another process')
  })
})

async function open(url: string): Promise<Socket> {
  const { port } = new URL(url)
  const socket = connect(Number(port), '127.0.0.1')
  await once(socket, 'connect')
  return socket
}

async function everything(socket: Socket): Promise<string> {
  let text = ''
  for await (const chunk of socket) text += String(chunk)
  return text
}
