import { createHmac, createSign, createVerify, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { App, Channel } from '@tributary/channels'
import { createAmazon } from '@tributary/channels/amazon'
import { createEbay } from '@tributary/channels/ebay'
import { createLazada } from '@tributary/channels/lazada'
import { createTiktok } from '@tributary/channels/tiktok'
import { createAmazonMarketplace } from '@tributary/test/simulators/amazon'
import { createEbaySimulator, ebayMarketplace } from '@tributary/test/simulators/ebay'
import { createLazadaMarketplace } from '@tributary/test/simulators/lazada'
import { createTiktokMarketplace } from '@tributary/test/simulators/tiktok'
import type { SimulatedMarketplace } from '../simulators/marketplace.ts'
import { type Benchmark, inTurns, perSecond, type Row, rate } from './benchmark.ts'
import { importRows } from './order-import.ts'
import { pushLatency } from './push-latency.ts'

const ROUNDS = 3
const budget = { take: async () => {} }

type Told = { headers: Record<string, string>; body: Buffer }
type Measured = { name: string; times: number; channel: Channel; told: Told; bare: (body: Buffer) => unknown }

/**
 * What each marketplace's notifications cost to verify and read, against their cryptography alone; Lazada's answers at 200 a
 * second while everything behind them works, the slowest of a thousand, against a server that only answers; and a first import
 * of 50,000 orders of one seller, against reading the same pages and doing nothing with them.
 */
export const benchmark: Benchmark = {
  name: 'channels',
  async run() {
    return [...(await verifierRates()), ...(await pushLatency()), ...(await importRows())]
  },
}

async function verifierRates(): Promise<Row[]> {
  const rows: Row[] = []
  for (const open of [openEbay, openTiktok, openAmazon, openLazada]) {
    const { measured, close } = await open()
    rows.push(await verifierRate(measured))
    await close()
  }
  return rows
}

async function verifierRate({ name, times, channel, told, bare }: Measured): Promise<Row> {
  const { signal } = new AbortController()
  const reception = await channel.receive(told, signal)
  if (reception.kind !== 'accepted') throw new Error(`${name} did not accept what its simulator signed.`)
  const measured = await inTurns(ROUNDS, {
    ours: () =>
      perSecond(times, async () => {
        for (let count = 0; count < times; count += 1) await channel.receive(told, signal)
      }),
    bare: () =>
      perSecond(times, async () => {
        for (let count = 0; count < times; count += 1) bare(told.body)
      }),
  })
  return rate(`${name}: verified and read`, 'notifications/s', measured.ours, measured.bare)
}

async function openEbay() {
  const simulator = await createEbaySimulator({ seed: 3 })
  const marketplace = ebayMarketplace(simulator, '')
  const app: App = { id: 1, channel: 1, name: 'eBay', ...marketplace.app }
  const channel = createEbay({ urls: simulator.urls, app: async () => app, budget })
  const bare = verifierOf('sha1', generateKeyPairSync('ec', { namedCurve: 'P-256' }))
  return opened({ name: 'eBay', times: 3_000, channel, bare }, marketplace)
}

async function openTiktok() {
  const marketplace = await createTiktokMarketplace({ seed: 3 })
  const app: App = { id: 1, channel: 2, name: 'TikTok Shop', ...marketplace.app }
  const channel = createTiktok({ urls: marketplace.urls, budget, apps: async () => [app] })
  return opened({ name: 'TikTok Shop', times: 20_000, channel, bare: hmacOf(app) }, marketplace)
}

async function openAmazon() {
  const marketplace = await createAmazonMarketplace({ seed: 3 })
  const { topic, urls, origin: snsOrigin } = marketplace
  const channel = createAmazon({ urls, budget, snsOrigin, topics: [topic.arn] })
  const bare = verifierOf('sha256', generateKeyPairSync('rsa', { modulusLength: 2048 }))
  return opened({ name: 'Amazon', times: 10_000, channel, bare }, marketplace)
}

async function openLazada() {
  const marketplace = await createLazadaMarketplace({ seed: 3 })
  const app: App = { id: 1, channel: 4, name: 'Lazada', ...marketplace.app }
  const channel = createLazada({ urls: marketplace.urls, budget, apps: async () => [app] })
  return opened({ name: 'Lazada', times: 20_000, channel, bare: hmacOf(app) }, marketplace)
}

const hmacOf =
  ({ clientId, clientSecret }: App) =>
  (body: Buffer): string =>
    createHmac('sha256', clientSecret).update(clientId).update(body).digest('hex')

function verifierOf(digest: string, { privateKey, publicKey }: { privateKey: KeyObject; publicKey: KeyObject }) {
  const signatures = new Map<Buffer, Buffer>()
  return (body: Buffer): boolean => {
    const signature = signatures.get(body) ?? createSign(digest).update(body).sign(privateKey)
    signatures.set(body, signature)
    return createVerify(digest).update(body).verify(publicKey, signature)
  }
}

/** Lets the marketplace tell of an order, and keeps what it posted. */
async function opened(measured: Omit<Measured, 'told'>, marketplace: SimulatedMarketplace) {
  const told = Promise.withResolvers<Told>()
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const headers = Object.fromEntries(Object.entries(request.headers).map(([key, value]) => [key, String(value)]))
    response.writeHead(measured.channel.webhook.success).end()
    told.resolve({ headers, body: Buffer.concat(chunks) })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  marketplace.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const { orderId } = marketplace.addOrder(marketplace.addSeller().sellerId)
  await marketplace.notify(orderId, { attempts: 1, pause: 1 })
  return {
    measured: { ...measured, told: await told.promise },
    async close() {
      server.close()
      server.closeAllConnections()
      await marketplace.close()
    },
  }
}
