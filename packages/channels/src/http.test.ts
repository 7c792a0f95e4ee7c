import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { createSend } from './http.ts'

describe('What a marketplace answers', () => {
  const send = createSend({ channel: 'ebay', name: 'eBay', timeout: 5_000 })
  const answerTo = async (body: Buffer, limit = 100) => {
    const server = createServer((_, response) => response.end(body)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    try {
      const outgoing = { what: 'getOrders', method: 'GET', url: `http://127.0.0.1:${port}`, headers: {}, limit } as const
      return await send(outgoing, new AbortController().signal)
    } finally {
      server.close()
      server.closeAllConnections()
    }
  }

  it('is there as bytes and as text, without a byte order mark', async () => {
    const { bytes, text, oversized } = await answerTo(Buffer.from('\ufeff{"a":"ü山"}'))
    expect({ text, oversized, bytes: bytes.toString() }).to.deep.equal({
      ...{ text: '{"a":"ü山"}', oversized: false, bytes: '{"a":"ü山"}' },
    })
  })

  it('is nothing when it is larger than we hold', async () => {
    const { bytes, text, oversized } = await answerTo(Buffer.alloc(101))
    expect({ text, oversized, length: bytes.length }).to.deep.equal({ text: '', oversized: true, length: 0 })
  })
})
