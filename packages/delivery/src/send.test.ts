import { exampleEvent } from '@tributary/events/examples'
import { createSpiReceiver, type Fault, type SpiReceiver } from '@tributary/test/simulators/spi'
import { expect } from 'chai'
import { type DeliveryRequest, deliveryRequest } from './request.ts'
import { createSender, type Sender } from './send.ts'
import { type SpiEvent, spiBody } from './spi-message.ts'
import { rawServer } from './testing/raw-server.ts'
import { keyOf } from './testing/signing.ts'

const secret = 'whsec_c2VjcmV0LWZvci10ZXN0cy1vbmx5LTMyLWJ5dGVz'
const keys = [keyOf(secret)]
const never = new AbortController().signal

const requestTo = (url: string): DeliveryRequest => {
  const event = exampleEvent('OrderReceived', '01890000-0000-7000-8000-000000000001') as SpiEvent
  return deliveryRequest({
    event,
    body: spiBody(event, 'erased'),
    contract: 1,
    url,
    keys,
    now: Date.now(),
    traceparent: undefined,
  })
}

describe('Sending a delivery', () => {
  let receiver: SpiReceiver
  let sender: Sender
  before(async () => {
    receiver = await createSpiReceiver({ secret })
    sender = createSender({ reach: { scope: 'internal', allow: [] } })
  })
  after(async () => {
    await sender.close()
    await receiver.close()
  })
  beforeEach(() => receiver.heal())

  const send = (options = {}) => sender.send(requestTo(receiver.url), { signal: never, ...options })
  const sendWith = (fault: Fault) => {
    receiver.fault(fault, { times: 1 })
    return send()
  }

  it('is accepted by a receiver that checks it with the official library', async () => {
    expect(await send()).to.include({ kind: 'delivered', status: 200, answer: '{"success":true}' })
    expect(receiver.unverified).to.equal(0)
    expect(receiver.record.has('msg_01890000-0000-7000-8000-000000000001')).to.equal(true)
  })

  it('is refused by a receiver with another secret', async () => {
    const other = await createSpiReceiver({ secret: 'another secret of 30 characters' })
    const outcome = await sender.send(requestTo(other.url), { signal: never })
    expect(outcome).to.include({ kind: 'refused', status: 401 })
    expect(other.unverified).to.equal(1)
    await other.close()
  })

  it('tells failures, refusals and throttling by the answer', async () => {
    expect(await sendWith({ kind: 'status', status: 500, body: 'oops' })).to.include({ kind: 'failed', answer: 'oops' })
    expect(await sendWith({ kind: 'status', status: 400 })).to.include({ kind: 'refused', status: 400 })
    expect(await sendWith({ kind: 'no success' })).to.include({ kind: 'refused', reason: 'success false' })
    const throttled = await sendWith({ kind: 'status', status: 429, headers: { 'retry-after': '9' } })
    expect(throttled).to.include({ kind: 'throttled', retryAfter: 9_000 })
  })

  it('follows no redirect', async () => {
    const before = receiver.record.arrivals.length
    const outcome = await sendWith({ kind: 'status', status: 307, headers: { location: receiver.url } })
    expect(outcome).to.include({ kind: 'failed', reason: 'redirect 307' })
    expect(receiver.record.arrivals.length).to.equal(before + 1)
  })

  it('tells tries that did not reach the receiver from those of which nobody knows', async () => {
    const to = (url: string) => sender.send({ url, headers: {}, body: '{}' }, { signal: never })
    const gone = await rawServer(() => {})
    await gone.close()
    const refused = await to(`http://127.0.0.1:${gone.port}/`)
    expect(refused).to.include({ kind: 'failed', reason: 'connection ECONNREFUSED', isUnreached: true })
    expect(await to('http://nobody.invalid/')).to.include({ kind: 'failed', isUnreached: true })
    const plain = await rawServer((socket) => socket.end('no TLS here'))
    expect(await to(`https://127.0.0.1:${plain.port}/`)).to.include({ kind: 'failed', isUnreached: true })
    await plain.close()
    const resetting = await rawServer((socket) => socket.resetAndDestroy())
    expect(await to(`http://127.0.0.1:${resetting.port}/`)).to.not.have.property('isUnreached')
    await resetting.close()
  })

  it('gives up at its deadline, whether the answer does not begin or does not end', async () => {
    receiver.fault({ kind: 'hang' }, { times: 1 })
    expect(await send({ deadline: 300 })).to.include({ kind: 'timed-out', reason: 'no answer', status: 0 })
    const dripping = await rawServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n')
      const drip = setInterval(() => socket.write('x'), 20)
      socket.once('close', () => clearInterval(drip))
    })
    const outcome = await sender.send(requestTo(`http://127.0.0.1:${dripping.port}/`), { signal: never, deadline: 300 })
    expect(outcome).to.include({ kind: 'timed-out', reason: 'answer not finished', status: 200 })
    expect(outcome.durationMs).to.be.at.least(250)
    await dripping.close()
  })

  it('fails when the connection is refused or reset, the answer is cut, or the other side speaks no HTTP', async () => {
    expect(await sendWith({ kind: 'reset' })).to.include({ kind: 'failed', status: 0 })
    expect(await sendWith({ kind: 'half answer' })).to.include({ kind: 'failed', status: 200 })
    const babbling = await rawServer((socket) => socket.end('SSH-2.0-babble\r\n'))
    const outcome = await sender.send(requestTo(`http://127.0.0.1:${babbling.port}/`), { signal: never })
    expect(outcome).to.include({ kind: 'failed', status: 0 })
    await babbling.close()
    const refused = await sender.send(requestTo('http://127.0.0.1:1/'), { signal: never })
    expect(refused).to.include({ kind: 'failed', reason: 'connection ECONNREFUSED' })
  })

  it('names trouble with TLS as such', async () => {
    // One that closes at once could as well be named by that.
    const plain = await rawServer((socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'))
    const outcome = await sender.send(requestTo(`https://127.0.0.1:${plain.port}/`), { signal: never })
    expect(outcome.kind).to.equal('failed')
    expect(outcome.reason).to.match(/^tls /)
    await plain.close()
  })

  it('reads 4 KB of an answer of 100 MB and drops the rest', async () => {
    const outcome = await sendWith({ kind: 'long answer', bytes: 100_000_000 })
    expect(outcome).to.include({ kind: 'delivered', status: 200 })
    expect(outcome.answer).to.have.length(4_096)
    // Whoever waited for the rest of this one would wait until the deadline.
    const endless = await rawServer((socket) =>
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n${'x'.repeat(8_192)}`),
    )
    const first = await sender.send(requestTo(`http://127.0.0.1:${endless.port}/`), { signal: never })
    expect(first).to.include({ kind: 'delivered', status: 200 })
    await endless.close()
  })

  it('uses one connection for requests one after another', async () => {
    const before = receiver.connections
    for (let count = 0; count < 5; count += 1) expect((await send()).kind).to.equal('delivered')
    expect(receiver.connections - before).to.be.at.most(1)
  })

  it('ends with the reason of the signal when that aborts', async () => {
    receiver.fault({ kind: 'hang' }, { times: 1 })
    const stopping = new AbortController()
    const stop = receiver.onArrival(() => stopping.abort(new Error('the dispatcher stops')))
    const message = await sender.send(requestTo(receiver.url), { signal: stopping.signal }).then(
      () => 'answered',
      (reason: Error) => reason.message,
    )
    stop()
    expect(message).to.equal('the dispatcher stops')
  })
})
