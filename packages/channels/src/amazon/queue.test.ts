import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { ChannelError } from '../port.ts'
import { createQueue } from './queue.ts'

describe('A queue at SQS that falls silent', () => {
  let server: Server
  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })

  const queueAt = async (answer: Parameters<typeof createServer>[1]) => {
    server = createServer(answer).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/123456789012/order-change`
    return createQueue({ url, credentials: { accessKeyId: 'a', secretAccessKey: 'b' }, wait: 0, patience: 200 })
  }
  const failureOf = (work: Promise<unknown>) =>
    work.then(
      () => undefined,
      (error: unknown) => (error instanceof ChannelError ? { code: error.code, message: error.message } : error),
    )
  const gone = (what: string) => ({ code: 'CHANNEL_UNAVAILABLE', message: `SQS did not do ${what} (no answer within 0.2 s)` })

  it('before it answers is given up, and what was to be removed comes again', async () => {
    const queue = await queueAt(() => {})
    const { signal } = new AbortController()
    expect(await failureOf(queue.receive(signal))).to.deep.equal(gone('ReceiveMessage'))
    expect(await failureOf(queue.remove(['receipt'], signal))).to.deep.equal(gone('DeleteMessageBatch'))
  })

  it('in the middle of its answer is given up', async () => {
    const queue = await queueAt((_, response) => {
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0', 'content-length': '1000' })
      response.write('{"Messages":[')
    })
    expect(await failureOf(queue.receive(new AbortController().signal))).to.deep.equal(gone('ReceiveMessage'))
  })
})
