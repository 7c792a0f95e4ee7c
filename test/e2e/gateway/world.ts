import { randomBytes } from 'node:crypto'
import { addApp, addSpiService, type Database } from '@tributary/database'
import { type EventLog, openEventLog } from '@tributary/event-log'
import { decodeEvent, type Event, ORDER_TOPIC } from '@tributary/events'
import { openVault, type Vault } from '@tributary/vault'
import { migratedTestDatabase } from '../../servers/index.ts'
import { createEbaySimulator, type EbaySimulator, type SendOptions } from '../../simulators/ebay/index.ts'
import { createSpiReceiver, type SpiReceiver } from '../../simulators/spi/index.ts'
import { createGateway, type Gateway, type GatewayOptions } from './gateway.ts'

const SCOPES = [
  'https://api.ebay.com/oauth/api_scope/sell.fulfillment',
  'https://api.ebay.com/oauth/api_scope/commerce.identity.readonly',
]

export type Seller = { userId: string; username: string }

/** A gateway between a simulated eBay and simulated receivers, on a database of its own. */
export type World = {
  simulator: EbaySimulator
  gateway: Gateway
  database: Database
  databaseUrl: string
  log: EventLog
  vault: Vault
  appId: number
  /** By server code, which is the server name as well. */
  receivers: Readonly<Record<string, SpiReceiver>>
  /** The seller agrees (or not) in a browser; a new seller unless one is given. Answers what the browser shows at the end. */
  consent(options?: {
    seller?: Seller
    codes?: string
    accept?: boolean
  }): Promise<{ seller: Seller; page: Response; address: string; cookie: string }>
  /** Notifies of an order as eBay does; answers the status of each request. */
  notify(orderId: string, options?: SendOptions & { to?: Gateway }): Promise<number[]>
  /** Everything in the topic of orders and sellers, by partition and position. */
  events(): Promise<Event[]>
  close(): Promise<void>
}

export type WorldOptions = Pick<GatewayOptions, 'settings' | 'sources' | 'services'> & {
  name: string
  seed?: number
  /** Of a log that is not in the database. */
  logUrl?: string
  /** Server codes of the receivers. */
  receivers?: readonly string[]
  /** In place of one on the test server. */
  openDatabase?: () => Promise<{ url: string; database: Database; drop(): Promise<void> }>
}

/** Makes a world whose gateway is ready; nobody has consented yet. What was opened before a failure is closed again. */
export async function openWorld(options: WorldOptions): Promise<World> {
  const closers: (() => Promise<void>)[] = []
  const close = async () => {
    for (const closeOne of closers.splice(0).reverse()) await closeOne()
  }
  try {
    const parts = await openParts(options, closers)
    parts.gateway.start()
    await parts.gateway.ready()
    return { ...parts, ...actions(parts), close }
  } catch (error) {
    await close()
    throw error
  }
}

type Parts = Omit<World, 'consent' | 'notify' | 'events' | 'close'>

async function openParts(options: WorldOptions, closers: (() => Promise<void>)[]): Promise<Parts> {
  const { url, database, drop } = await (options.openDatabase ?? (() => migratedTestDatabase(options.name)))()
  closers.push(drop)
  const simulator = await createEbaySimulator({ seed: options.seed ?? 1 })
  closers.push(simulator.close)
  const receivers = await registerReceivers(database, options.receivers ?? ['warehouse'])
  closers.push(...Object.values(receivers).map((receiver) => receiver.close))
  const addresses = Object.fromEntries(Object.entries(receivers).map(([code, receiver]) => [code, receiver.url]))
  const { sources = {}, services } = options
  const settings = { ...options.settings, ...(options.logUrl ? { log: { url: options.logUrl } } : {}) }
  const gateway = await createGateway({
    ...{ settings, sources, databaseUrl: url, ebay: simulator.urls, receivers: addresses },
    ...(services ? { services } : {}),
  })
  closers.push(gateway.remove)
  const log = await openEventLog({ url: options.logUrl ?? url, database, partitions: 8 })
  closers.push(() => log.close())
  const vault = await openVault({ database, masterKeys: [gateway.masterKey] })
  const appId = await addApp(database, { ...appOf(simulator), name: options.name })
  return { simulator, gateway, database, databaseUrl: url, log, vault, appId, receivers }
}

function actions(parts: Parts): Pick<World, 'consent' | 'notify' | 'events'> {
  const { gateway, log, simulator } = parts
  return {
    consent: ({ seller = simulator.market.addSeller(), ...choice } = {}) => consent(parts, { seller, ...choice }),
    notify: (orderId, { to = gateway, ...sending } = {}) =>
      simulator.notifications.send(
        `${to.url}/open/order/callback/1`,
        simulator.notifications.orderConfirmation(orderId),
        sending,
      ),
    events: () => readEvents(log),
  }
}

async function registerReceivers(database: Database, codes: readonly string[]): Promise<Record<string, SpiReceiver>> {
  const receivers: Record<string, SpiReceiver> = {}
  for (const code of codes) {
    const secret = `whsec_${randomBytes(32).toString('base64')}`
    receivers[code] = await createSpiReceiver({ secret })
    await addSpiService(database, { type: 1, serverCode: code, serverName: code, description: '', secret })
  }
  return receivers
}

const appOf = ({ app }: EbaySimulator) => ({
  channel: 1,
  clientId: app.clientId,
  clientSecret: app.clientSecret,
  developerId: '',
  scopes: SCOPES,
  redirectUri: app.ruName,
  attachInfo: {},
})

async function consent(
  { simulator, gateway, appId, receivers }: Parts,
  choice: { seller: Seller; codes?: string; accept?: boolean },
) {
  const { seller, accept = true, codes = Object.keys(receivers).join(',') } = choice
  const base = `${gateway.url}/open/order/oauth`
  simulator.app.acceptUrl = `${base}/callback/1`
  simulator.app.rejectUrl = `${base}/callback/1`
  const query = new URLSearchParams({ app: String(appId), ...(codes === '' ? {} : { spi: codes }) })
  const start = await fetch(`${base}/authorize/1?${query}`, { redirect: 'manual' })
  const cookie = start.headers
    .getSetCookie()
    .map((line) => line.split(';', 1)[0])
    .join('; ')
  const address = await simulator.consent(start.headers.get('location') ?? '', { userId: seller.userId, accept })
  return { seller, address, cookie, page: await fetch(address, { headers: { cookie } }) }
}

async function readEvents(log: EventLog): Promise<Event[]> {
  const found: Event[] = []
  for (const [partition, end] of (await log.ends(ORDER_TOPIC)).entries()) {
    for (let next = 0; next < end; ) {
      const slice = await log.read(ORDER_TOPIC, partition, next, { limit: 2_000 })
      found.push(...slice.events.map(({ event }) => decodeEvent(event)))
      next = slice.next
    }
  }
  return found
}
