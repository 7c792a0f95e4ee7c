import { once } from 'node:events'
import { createServer, request as forward, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls'
import { testCertificate, until } from '@tributary/test/servers'
import { expect } from 'chai'
import { exchangeOnce } from '../exchange.ts'
import { createSender, type Sender } from '../send.ts'
import { type Connections, createConnections, type HostWay } from './connections.ts'

const trusted = getCACertificates('default')
const theirs = testCertificate({ host: '127.0.0.1' })
const ours = testCertificate({ host: 'sender.example' })

describe('The way to a receiver', () => {
  let receiver: Server
  let proxy: Server
  let senders: Sender[]
  /** What the proxy was asked for, with what it was told about who asks. */
  let asked: { method: string; target: string; authorization: string | undefined }[]
  let proxyStatus: number
  const sockets = new Set<Socket>()

  before(async () => {
    setDefaultCACertificates([...trusted, theirs.cert])
    const options = { ...theirs, requestCert: true, rejectUnauthorized: true, ca: [ours.cert] }
    receiver = createSecureServer(options, (request, response) => {
      const name = (request.socket as TLSSocket).getPeerCertificate().subject.CN
      request.resume().once('end', () => response.end(`hello ${name}`))
    })
    proxy = createServer((request, response) => {
      note('forward', request.url, request.headers['proxy-authorization'])
      request.pipe(
        forward(request.url ?? '', { method: request.method ?? '', headers: request.headers }, (answer) => {
          response.writeHead(answer.statusCode ?? 502)
          answer.pipe(response)
        }),
      )
    })
    proxy.on('connect', (request, socket: Socket) => {
      note('CONNECT', request.url, request.headers['proxy-authorization'])
      sockets.add(socket)
      socket.on('error', () => {})
      if (proxyStatus !== 200) return socket.end(`HTTP/1.1 ${proxyStatus} No\r\n\r\n`)
      const [host = '', port] = (request.url ?? '').split(':')
      const onward = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 Connected\r\n\r\n')
        socket.pipe(onward).pipe(socket)
      })
      sockets.add(onward.on('error', () => {}))
    })
    for (const server of [receiver, proxy]) await once(server.listen(0, '127.0.0.1'), 'listening')
  })
  beforeEach(() => {
    asked = []
    senders = []
    proxyStatus = 200
  })
  afterEach(() => Promise.all(senders.map((sender) => sender.close())))
  after(() => {
    setDefaultCACertificates(trusted)
    for (const socket of sockets) socket.destroy()
    for (const server of [receiver, proxy]) {
      server.closeAllConnections()
      server.close()
    }
  })

  const note = (method: string, target: string | undefined, authorization: string | undefined) =>
    asked.push({ method, target: target ?? '', authorization })
  const portOf = (server: Server) => (server.address() as AddressInfo).port
  const send = (url: string, way: HostWay) => {
    const sender = createSender({
      reach: { scope: 'internal', allow: [] },
      hosts: { [new URL(url).hostname]: way },
      deadline: 5_000,
    })
    senders.push(sender)
    return sender.send({ url, headers: {}, body: '{}' }, { signal: new AbortController().signal })
  }
  const secure = () => `https://127.0.0.1:${portOf(receiver)}/`
  const through = () => `http://user:word@127.0.0.1:${portOf(proxy)}`

  it('shows our certificate to a host that asks for one, and none to another', async () => {
    expect(await send(secure(), { certificate: ours })).to.include({ kind: 'delivered', answer: 'hello sender.example' })
    expect(await send(secure(), {})).to.include({ kind: 'failed', status: 0 })
    expect(asked).to.deep.equal([])
  })

  it('goes through a proxy by a tunnel, with our certificate shown to the host behind it', async () => {
    const outcome = await send(secure(), { proxy: through(), certificate: ours })
    expect(outcome).to.include({ kind: 'delivered', answer: 'hello sender.example' })
    const authorization = `Basic ${Buffer.from('user:word').toString('base64')}`
    expect(asked).to.deep.equal([{ method: 'CONNECT', target: `127.0.0.1:${portOf(receiver)}`, authorization }])
  })

  it('says when the proxy refuses, and asks it for nothing that is closed to deliveries', async () => {
    proxyStatus = 403
    expect(await send(secure(), { proxy: through() })).to.include({ kind: 'failed', reason: 'proxy refused', status: 0 })
    expect(asked).to.have.length(1)
    for (const url of ['http://169.254.169.254/latest', 'https://[fd00:ec2::254]/', 'http://2852039166/'])
      expect(await send(url, { proxy: through() }), url).to.include({ kind: 'address-refused', status: 0 })
    expect(asked).to.have.length(1)
  })

  it('carries a plain request through a proxy as well', async () => {
    const plain = createServer((request, response) => {
      request.resume().once('end', () => response.end('plain'))
    })
    await once(plain.listen(0, '127.0.0.1'), 'listening')
    try {
      const url = `http://127.0.0.1:${portOf(plain)}/hook?a=1`
      expect(await send(url, { proxy: through() })).to.include({ kind: 'delivered', answer: 'plain' })
      expect(asked.map(({ method, target }) => [method, target])).to.deep.equal([['forward', url]])
    } finally {
      plain.closeAllConnections()
      plain.close()
    }
  })

  it('is looked for anew after a while, also under traffic, and cuts off no request', async () => {
    const open = new Set<Socket>()
    let dialled = 0
    const moving = createServer((request, response) => {
      request.resume().once('end', () => response.end('ok'))
    })
    moving.on('connection', (socket) => {
      dialled += 1
      open.add(socket.once('close', () => open.delete(socket)))
    })
    await once(moving.listen(0, '127.0.0.1'), 'listening')
    const way = (renewAfter?: number) =>
      createConnections({
        reach: { scope: 'internal', allow: [] },
        hosts: { 'proxied.example': { proxy: `http://127.0.0.1:${portOf(moving)}` } },
        ...(renewAfter === undefined ? {} : { renewAfter }),
      })
    const send = async (connections: Connections, host: string) => {
      const url = new URL(`http://${host}/`)
      const dispatcher = await connections.to(url)
      if (dispatcher === 'refused') throw new Error('The way is closed.')
      const exchange = { status: 0, retryAfter: undefined, contentEncoding: '', body: [] }
      await exchangeOnce(dispatcher, { url, headers: {}, body: '{}', limit: 100 }, exchange).done
      expect(exchange.status).to.equal(200)
    }
    try {
      for (const host of [`127.0.0.1:${portOf(moving)}`, 'proxied.example']) {
        const kept = way()
        dialled = 0
        for (let time = 0; time < 20; time += 1) await send(kept, host)
        expect(dialled, host).to.be.below(5)
        await kept.close()
        const renewed = way(1)
        dialled = 0
        await until(`connections to ${host} are made anew`, async () => {
          await Promise.all([send(renewed, host), send(renewed, host)])
          return dialled > 10
        })
        await until('those that were renewed are closed', async () => open.size <= 2)
        await renewed.close()
      }
    } finally {
      moving.closeAllConnections()
      moving.close()
    }
  })
})
