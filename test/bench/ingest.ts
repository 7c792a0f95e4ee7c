import { execFile } from 'node:child_process'
import { createPublicKey, randomBytes, randomUUID, verify } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createEbay } from '@tributary/channels/ebay'
import { openEventLog } from '@tributary/event-log'
import { createRowIds } from '@tributary/events'
import { createIngest } from '@tributary/ingest'
import { createHttpServer, createLogger } from '@tributary/runtime'
import { createEbaySimulator, type EbaySimulator } from '@tributary/test/simulators/ebay'
import { openVault } from '@tributary/vault'
import express from 'express'
import type { SignedRequest } from './ingest-client.ts'
import { benchDatabase } from './server.ts'

const WARM_UP = 1_500
const REQUESTS = 6_000
const ROUNDS = 3

/** Somewhere to post to. */
type Target = { url: string; close(): Promise<void> }
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
    const measure = (target: Target, count: number) => rate(target, signedRequests(ebay, count), folder)
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

/** Each names another order and has another id: nothing is answered from what is known already. */
function signedRequests(ebay: EbaySimulator, count: number): SignedRequest[] {
  return Array.from({ length: count }, () => {
    const order = { orderId: randomUUID(), orderLineItems: [{ orderLineItemId: '1', listingId: '1', quantity: 1 }] }
    const user = { userId: 'SYNuser0001', username: 'synthetic_seller_1' }
    const body = JSON.stringify(ebay.notifications.message('ORDER_CONFIRMATION', { user, order }))
    return { body, signature: ebay.keys.header(Buffer.from(body), ebay.keys.current) }
  })
}

async function rate(target: Target, requests: readonly SignedRequest[], folder: string): Promise<number> {
  const file = join(folder, 'requests.json')
  await writeFile(file, JSON.stringify(requests))
  const client = join(import.meta.dirname, 'ingest-client.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [client, target.url, file])
  const { seconds, answers } = JSON.parse(stdout) as { seconds: number; answers: Record<string, number> }
  if (answers['204'] !== requests.length) throw new Error(`not every request was taken: ${JSON.stringify(answers)}`)
  return requests.length / seconds
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

/** Ingest as it is served, access lines and all; the lines go nowhere. */
async function ourIngest(ebay: EbaySimulator): Promise<Target> {
  const { url, database, drop } = await benchDatabase('ingest')
  const log = await openEventLog({ url, database, partitions: 8 })
  const vault = await openVault({ database, masterKeys: [randomBytes(32)] })
  const logger = createLogger({ level: 'info', format: 'json', destination: { write: () => {} } })
  const app = {
    id: 1,
    channel: 1,
    name: 'bench',
    clientId: ebay.app.clientId,
    clientSecret: ebay.app.clientSecret,
    developerId: '',
    scopes: [],
    redirectUri: ebay.app.ruName,
    attachInfo: {},
  }
  const channel = createEbay({ urls: ebay.urls, app: async () => app, budget: { take: async () => {} } })
  const channels = new Map([[1, channel]])
  const rowIds = createRowIds({ worker: 0 })
  const ingest = createIngest({ configuration: {}, database, log, vault, channels, rowIds, logger })
  const server = createHttpServer({ host: '127.0.0.1', port: 0, logger, routers: [ingest.router], health: [ingest] })
  await server.start()
  return {
    url: `${server.url}/open/order/callback/1`,
    async close() {
      await server.stop()
      await ingest.stop()
      await log.close()
      await drop()
    },
  }
}
