import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { createEbay } from '@tributary/channels/ebay'
import { addApp, type Database, listApps, listSellers } from '@tributary/database'
import { type EventLog, openEventLog } from '@tributary/event-log'
import { createEvent, createRowIds, encodeEvent, ORDER_TOPIC, sellerKey, timeOrderedEventId } from '@tributary/events'
import { createOrderSync } from '@tributary/order-sync'
import { createProjector } from '@tributary/projector'
import { createLogger } from '@tributary/runtime'
import { openVault, type Vault } from '@tributary/vault'
import { createOrderGenerator } from '../simulators/ebay/generator.ts'
import { type Row, rate } from './benchmark.ts'
import { benchDatabase } from './server.ts'

const ORDERS = 50_000
const PAGE = 200
const DAYS = 80
const DAY = 86_400_000
const SELLER = 'bench_seller'
const [COMMA, TAIL] = [Buffer.from(','), Buffer.from(']}')]

/** A first import of all orders of one seller into the log, and the resident memory of the process that does it. */
export async function importRows(): Promise<Row[]> {
  const marketplace = await startPages()
  const { url, database, drop } = await benchDatabase('import')
  const log = await openEventLog({ url, database, partitions: 4 })
  try {
    const bare = await readBare(marketplace.url)
    const { seconds, first, last } = await importAll({ database, log, marketplace: marketplace.url })
    return [
      rate('eBay: first import of 50,000 orders', 'orders/s', ORDERS / seconds, bare),
      { name: 'eBay: memory at the end, and after a fifth', value: last, unit: 'MB', ceiling: first, ratio: first / last },
    ]
  } finally {
    await log.close()
    await drop()
    marketplace.stop()
  }
}

async function importAll({ database, log, marketplace }: { database: Database; log: EventLog; marketplace: string }) {
  const urls = {
    authorizeUrl: marketplace,
    tokenUrl: `${marketplace}/token`,
    orderUrl: `${marketplace}/orders`,
    shippingFulfillmentUrl: `${marketplace}/{orderId}`,
    publicKeyUrl: `${marketplace}/{kid}`,
    userUrl: marketplace,
  }
  const logger = createLogger({ level: 'silent', format: 'json' })
  const vault = await openVault({ database, masterKeys: [randomBytes(32)] })
  const app = { channel: 1, name: 'bench', clientId: 'c', clientSecret: 's', developerId: '', redirectUri: 'r', attachInfo: {} }
  const appId = await addApp(database, { ...app, scopes: ['https://api.ebay.com/oauth/api_scope/sell.fulfillment'] })
  await authorize({ database, log, vault }, appId)
  const [registered] = await listApps(database, 1)
  if (!registered) throw new Error('The app is not there.')
  const channel = createEbay({ urls, app: async () => registered, budget: { take: async () => {} } })
  const orderSync = createOrderSync({
    configuration: {
      orderSync: {
        pollIntervalSeconds: 3_600,
        overlapSeconds: 600,
        reachBackDays: DAYS + 2,
        concurrency: 16,
        reminderDays: 14,
        shipmentDays: 90,
      },
    },
    ...{ database, log, vault, logger, channels: new Map([[1, channel]]), rowIds: createRowIds({ worker: 1 }) },
  })
  const before = await countEvents(log)
  const begin = performance.now()
  await orderSync.start()
  let first = 0
  for (let done = 0; done < ORDERS; done = (await countEvents(log)) - before) {
    if (first === 0 && done >= ORDERS / 5) first = memory()
    if (performance.now() - begin > 300_000) throw new Error(`Only ${done} orders were imported in five minutes.`)
    await wait(100)
  }
  const seconds = (performance.now() - begin) / 1_000
  const last = memory()
  await orderSync.stop()
  return { seconds, first, last }
}

const memory = (): number => process.memoryUsage.rss() / 1_000_000

async function countEvents(log: EventLog): Promise<number> {
  return (await log.ends(ORDER_TOPIC)).reduce((sum, end) => sum + end, 0)
}

/** Lets a seller consent, as ingest and the projection of sellers would show it. */
async function authorize({ database, log, vault }: { database: Database; log: EventLog; vault: Vault }, appId: number) {
  const id = timeOrderedEventId()
  const key = sellerKey(1, SELLER)
  const subject = vault.subject('seller', key)
  const [outcome] = await vault.seal([{ subject, eventId: id, plaintext: 'refresh-token' }])
  const event = createEvent({
    ...{ id, type: 'SellerAuthorized', source: '/bench', subject: 'sellers/bench', time: Date.now(), partitionkey: key },
    data: {
      ...{ channel: 1, sellerId: SELLER, rowId: createRowIds({ worker: 2 }).next(), appId, sellerName: '', region: '' },
      ...{ spiServerCodes: null, authorizedTime: Date.now(), subject },
      sealed: outcome?.kind === 'sealed' ? outcome.jwe : null,
      ...{ refreshTokenExpiresIn: 0, refreshTokenExpiresTime: 0 },
    },
  })
  await log.append(ORDER_TOPIC, [encodeEvent(event)])
  const logger = createLogger({ level: 'silent', format: 'json' })
  const projector = createProjector({ configuration: { wework: {} }, database, log, vault, logger })
  await projector.start()
  while ((await listSellers(database, 1)).length === 0) await wait(20)
  await projector.stop()
}

/** The same pages, read and thrown away. */
async function readBare(url: string): Promise<number> {
  const begin = performance.now()
  for (let offset = 0; offset < ORDERS; offset += PAGE)
    await (await fetch(`${url}/orders?limit=${PAGE}&offset=${offset}`)).arrayBuffer()
  return ORDERS / ((performance.now() - begin) / 1_000)
}

async function startPages(): Promise<{ url: string; stop(): void }> {
  const child: ChildProcess = fork(import.meta.filename, ['serve'], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const [url] = (await once(child, 'message')) as [string]
  return { url, stop: () => void child.kill() }
}

/** An eBay that knows one seller, limits nothing, and has every order written out beforehand. */
function servePages(): void {
  const generate = createOrderGenerator(7)
  const start = Date.now() - DAYS * DAY
  const times = Array.from({ length: ORDERS }, (_, index) => start + Math.floor((index * (DAYS * DAY - 3_600_000)) / ORDERS))
  const orders = times.map((time) => Buffer.from(JSON.stringify(generate({ username: SELLER }, time))))
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json')
    if (request.url?.startsWith('/token'))
      return void response.end('{"access_token":"token","expires_in":7200,"token_type":"User Access Token"}')
    response.end(pageOf(request, times, orders))
  })
  server.listen(0, '127.0.0.1', () => process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
}

function pageOf({ url = '' }: IncomingMessage, times: readonly number[], orders: readonly Buffer[]): Buffer {
  const { searchParams } = new URL(url, 'http://pages')
  const [, from, to] = /\[([^.]+\.\d+Z)\.\.([^\]]+)\]/.exec(searchParams.get('filter') ?? '') ?? []
  const begin = from === undefined ? 0 : countBefore(times, Date.parse(from))
  const end = to === undefined ? times.length : countBefore(times, Date.parse(to) + 1)
  const total = Math.max(0, end - begin)
  const [limit, offset] = [Number(searchParams.get('limit')), Number(searchParams.get('offset'))]
  const page = orders.slice(begin + offset, Math.min(end, begin + offset + limit))
  const next = offset + limit < total ? `"next":"/orders?limit=${limit}&offset=${offset + limit}",` : ''
  const head = `{${next}"total":${total},"limit":${limit},"offset":${offset},"orders":[`
  return Buffer.concat([Buffer.from(head), ...page.flatMap((order, index) => (index === 0 ? [order] : [COMMA, order])), TAIL])
}

/** How many of the times, which grow, come before `time`. */
function countBefore(times: readonly number[], time: number): number {
  let [low, high] = [0, times.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((times[middle] ?? 0) < time) low = middle + 1
    else high = middle
  }
  return low
}

if (process.argv[1] === import.meta.filename && process.argv[2] === 'serve') servePages()
