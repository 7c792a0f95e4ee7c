import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { type TestCertificate, testCertificate } from '@tributary/test/servers'
import { expect } from 'chai'
import { ANSWER_LIMIT, type Outcome } from './outcome.ts'
import { createSender, type Sender } from './send.ts'
import { type RawServer, rawServer } from './testing/raw-server.ts'

/** Long enough that it decides nothing where something is to arrive. */
const DEADLINE = 20_000
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'

describe('A receiver that is odd', () => {
  let sender: Sender
  const servers: { close(): Promise<void> }[] = []
  before(() => {
    sender = createSender({ reach: { scope: 'internal', allow: [] }, deadline: DEADLINE })
  })
  after(() => sender.close())
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close()
  })

  const send = (url: string, deadline = DEADLINE): Promise<Outcome> =>
    sender.send(
      { url, headers: { 'content-type': 'application/json' }, body: '{}' },
      { signal: new AbortController().signal, deadline },
    )
  const sendTo = ({ port }: RawServer, deadline?: number) => send(`http://127.0.0.1:${port}/`, deadline)
  const serve = async (answer: (socket: Socket) => void): Promise<RawServer> => {
    const server = await rawServer(answer)
    servers.push(server)
    return server
  }
  /** Sends once or twice: a request can meet a connection of which we have not heard yet that it is gone. */
  const deliverTo = async (server: RawServer): Promise<Outcome> => {
    const first = await sendTo(server)
    if (first.kind === 'delivered') return first
    expect(first).to.include({ kind: 'failed', status: 0 })
    return sendTo(server)
  }
  const says = (text: string) => serve((socket) => socket.end(text))

  it('by speaking HTTP/1.0 is understood, with a length and without', async () => {
    for (const head of ['HTTP/1.0 200 OK\r\n\r\n', 'HTTP/1.0 200 OK\r\ncontent-length: 16\r\n\r\n']) {
      const server = await says(`${head}{"success":true}`)
      for (let time = 0; time < 3; time += 1) expect(await sendTo(server)).to.include({ kind: 'delivered', status: 200 })
    }
    const refusing = await says('HTTP/1.0 200 OK\r\n\r\n{"success":false}')
    expect(await sendTo(refusing)).to.include({ kind: 'refused', reason: 'success false' })
  })

  it('by closing each connection after its answer gets every request at once when it says so, else by a second try', async () => {
    const announced = await says(OK.replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n'))
    for (let time = 0; time < 10; time += 1) expect(await sendTo(announced)).to.include({ kind: 'delivered', status: 200 })
    for (const leave of [(socket: Socket) => socket.end(), (socket: Socket) => socket.resetAndDestroy()]) {
      const open = new Set<Socket>()
      const silent = await serve((socket) => {
        open.add(socket)
        socket.once('close', () => open.delete(socket))
        socket.write(OK)
      })
      for (let time = 0; time < 10; time += 1) {
        expect(await deliverTo(silent)).to.include({ kind: 'delivered', answer: 'ok' })
        for (const socket of open) leave(socket)
      }
    }
  })

  it('by resetting or ending before its answer is whole has not taken it, though it said 200', async () => {
    const parts = [OK.slice(0, -1), 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n']
    for (const part of parts) {
      const ending = await says(part)
      expect(await sendTo(ending)).to.include({ kind: 'failed', status: 200 })
      const resetting = await serve((socket) => socket.write(part, () => socket.resetAndDestroy()))
      // The reset can overtake the status.
      expect(await sendTo(resetting)).to.include({ kind: 'failed' })
    }
  })

  it('by packing its answer, though nobody asked for that, is understood', async () => {
    const packings: Record<string, (text: string) => Buffer> = {
      gzip: gzipSync,
      deflate: deflateSync,
      'Deflate, identity': deflateRawSync,
      br: brotliCompressSync,
      zstd: zstdCompressSync,
      'gzip, br': (text) => brotliCompressSync(gzipSync(text)),
    }
    for (const [coding, pack] of Object.entries(packings)) {
      const answerWith = (packed: Buffer) =>
        serve((socket) => {
          socket.write(`HTTP/1.1 200 OK\r\ncontent-encoding: ${coding}\r\ncontent-length: ${packed.length}\r\n\r\n`)
          socket.end(packed)
        })
      const refusal = '{"success":false,"reason":"full"}'
      expect(await sendTo(await answerWith(pack(refusal))), coding).to.include({ kind: 'refused', answer: refusal })
      expect(await sendTo(await answerWith(pack('{"success":true}'))), coding).to.include({ kind: 'delivered' })
      const bomb = pack('x'.repeat(50_000_000))
      const { kind, answer } = await sendTo(await answerWith(bomb))
      expect({ kind, answer }, `${coding}, ${bomb.length} bytes`).to.deep.equal({
        kind: 'delivered',
        answer: 'x'.repeat(ANSWER_LIMIT),
      })
      expect(await sendTo(await answerWith(Buffer.from('not packed at all'))), coding).to.include({ kind: 'delivered' })
    }
  })

  it('by dripping headers, or never ending them, is given up', async () => {
    const dripping = await serve((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n')
      const drip = setInterval(() => socket.write('x: y\r\n'), 10)
      socket.once('close', () => clearInterval(drip))
    })
    expect(await sendTo(dripping, 200)).to.include({ kind: 'timed-out', reason: 'no answer', status: 0 })
    const endless = await serve((socket) => {
      const pour = () => !socket.destroyed && socket.write(`x: ${'y'.repeat(10_000)}\r\n`, pour)
      socket.write('HTTP/1.1 200 OK\r\n', pour)
    })
    expect(await sendTo(endless)).to.include({ kind: 'failed', reason: 'connection UND_ERR_HEADERS_OVERFLOW', status: 0 })
  })
})

describe('A receiver with a certificate', () => {
  let sender: Sender
  let received = 0
  const trusted = getCACertificates('default')
  const good = testCertificate({ host: '127.0.0.1' })
  const misnamed = testCertificate({ host: 'other.example' })
  const expired = testCertificate({ host: '127.0.0.1', around: Date.now() - 10 * 86_400_000 })
  const unknown = testCertificate({ host: '127.0.0.1' })
  before(() => {
    setDefaultCACertificates([...trusted, good.cert, misnamed.cert, expired.cert])
    sender = createSender({ reach: { scope: 'internal', allow: [] }, deadline: DEADLINE })
  })
  after(async () => {
    setDefaultCACertificates(trusted)
    await sender.close()
  })

  const sendTo = async (certificate: TestCertificate): Promise<Outcome> => {
    const server: Server = createServer(certificate, (request, response) => {
      received += 1
      request.resume().once('end', () => response.end('ok'))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    try {
      const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`
      return await sender.send({ url, headers: {}, body: '{}' }, { signal: new AbortController().signal })
    } finally {
      server.closeAllConnections()
      server.close()
    }
  }

  it('that is right gets the request', async () => {
    expect(await sendTo(good)).to.include({ kind: 'delivered', answer: 'ok' })
    expect(received).to.equal(1)
  })

  it('that is another’s, has run out or comes from nobody known gets nothing, and the reason says so', async () => {
    const before = received
    expect(await sendTo(misnamed)).to.include({ kind: 'failed', reason: 'tls ERR_TLS_CERT_ALTNAME_INVALID', status: 0 })
    expect(await sendTo(expired)).to.include({ kind: 'failed', reason: 'tls CERT_HAS_EXPIRED', status: 0 })
    expect(await sendTo(unknown)).to.include({ kind: 'failed', reason: 'tls DEPTH_ZERO_SELF_SIGNED_CERT', status: 0 })
    expect(received).to.equal(before)
  })
})
