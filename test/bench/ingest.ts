import { createPublicKey, verify } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEbaySimulator, type EbaySimulator } from '@tributary/test/simulators/ebay'
import express from 'express'
import { notificationRate, ourIngest, signedRequests, type Target } from './ingest-target.ts'

const WARM_UP = 1_500
const REQUESTS = 6_000
const ROUNDS = 3

type Row = { name: string; value: number; unit: string; ceiling: number; ratio: number }

/**
 * Signed notifications a second, verified and kept in the log before they are answered. The ceiling is bare Express 5 doing
 * parse and verify of the same kind of requests, in turns with ours, sent by the same process of its own.
 */
export const benchmark = {
  name: 'ingest',
  async run(): Promise<Row[]> {
    const ebay = await createEbaySimulator()
    const folder = await mkdtemp(join(tmpdir(), 'tributary-bench-'))
    const targets = { bare: await bareExpress(ebay), ours: await ourIngest(ebay) }
    const measure = (target: Target, count: number) => notificationRate(target, signedRequests(ebay, count), folder)
    try {
      const rates: Record<keyof typeof targets, number[]> = { bare: [], ours: [] }
      for (const target of Object.values(targets)) await measure(target, WARM_UP)
      for (let round = 0; round < ROUNDS; round++) {
        for (const name of ['bare', 'ours'] as const) rates[name].push(await measure(targets[name], REQUESTS))
      }
      const [value, ceiling] = [median(rates.ours), median(rates.bare)]
      return [{ name: 'ingest', value, unit: 'notifications/s', ceiling, ratio: value / ceiling }]
    } finally {
      await targets.bare.close()
      await targets.ours.close()
      await ebay.close()
      await rm(folder, { recursive: true })
    }
  },
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0
}

/** What no webhook can do without: reading the header and the body, and the signature. */
async function bareExpress(ebay: EbaySimulator): Promise<Target> {
  const pem = ebay.keys.publicKey(ebay.keys.current)?.key ?? ''
  const der = Buffer.from(pem.replaceAll(/-----[^-]+-----/g, ''), 'base64')
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' })
  const application = express()
  application.post('/callback', express.raw({ type: () => true }), (request, response) => {
    const { signature } = JSON.parse(Buffer.from(request.get('x-ebay-signature') ?? '', 'base64').toString('utf8'))
    const body: Buffer = request.body
    const message = JSON.parse(body.toString('utf8'))
    const valid = verify('sha1', body, key, Buffer.from(signature, 'base64'))
    response.status(valid && message.notification ? 204 : 412).end()
  })
  const server = application.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
