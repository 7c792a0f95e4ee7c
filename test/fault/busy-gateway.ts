import { setTimeout as wait } from 'node:timers/promises'
import { addApiKey } from '@tributary/console'
import { requestReading } from '@tributary/database'
import { expect } from 'chai'
import { openWorld, type Seller, type World } from '../e2e/gateway/world.ts'
import type { Random } from '../random.ts'
import { migratedTestDatabase, type Relay, startRelay } from '../servers/index.ts'
import { createWecomSimulator, type SimulatedCorp, type WecomSimulator } from '../simulators/wecom/index.ts'

const SERVICES = ['ingest', 'order-sync', 'contact-sync', 'projector', 'dispatcher', 'console']
const CUSTOMER = 'keyfil'
const ENDPOINT = 'egOrderSpiConsumerGroup:warehouse'

/** All services in one process, with a relay before their database, one seller, and one corp of WeCom. */
export type BusyGateway = {
  world: World
  relay: Relay
  wecom: WecomSimulator
  corp: SimulatedCorp
  /** Of the HTTP API. */
  apiKey: string
  sellers: Seller[]
  /** The ids of orders whose shipment was accepted. */
  shipped: string[]
  close(): Promise<void>
}

export async function openBusyGateway(seed: number): Promise<BusyGateway> {
  const closers: (() => Promise<void>)[] = []
  const close = async () => {
    for (const closeOne of closers.splice(0).reverse()) await closeOne()
  }
  try {
    const wecom = await createWecomSimulator()
    closers.push(wecom.close)
    const corp = wecom.addCorp({ departments: 3, members: 20, seed })
    const opened = await migratedTestDatabase('lost_answers')
    const relay = await startRelay(opened.url)
    closers.push(relay.close)
    const world = await openWorld({
      ...{ name: 'lost_answers', seed, services: SERVICES, sources: { 'wework-map': { [CUSTOMER]: sectionOf(wecom, corp) } } },
      openDatabase: async () => ({ ...opened, url: relay.url }),
      settings: { 'order-sync': { 'poll-interval-seconds': 1 }, logging: { level: 'warn', format: 'json' } },
    })
    closers.push(world.close)
    const { key: apiKey } = await addApiKey(world.database, { name: 'erp', scopes: ['read', 'ship', 'operate'] })
    const command = wecom.access(world.gateway.url, CUSTOMER, 'command')
    await wecom.send(command, wecom.ticket())
    await wecom.send(command, wecom.authorize(corp))
    const { seller } = await world.consent()
    return { world, relay, wecom, corp, apiKey, sellers: [seller], shipped: [], close }
  } catch (error) {
    await close()
    throw error
  }
}

function sectionOf(wecom: WecomSimulator, corp: SimulatedCorp): Record<string, unknown> {
  const { suite, apiUrl } = wecom.customer
  const names = { 'suite-id': suite?.suiteId, 'provider-corp-id': suite?.providerCorpId }
  const secrets = { secret: suite?.secret, token: suite?.token, 'encoding-aes-key': suite?.encodingAesKey }
  return { 'api-url': apiUrl, suite: { ...names, ...secrets }, corps: { [corp.corpId]: {} } }
}

/**
 * Everybody does what they do, as long as `goesOn` says so: sellers sell and consent, orders are shipped, members come and go, people
 * pause the endpoint and ask for readings, access tokens end. Whoever is told to try again does.
 */
export async function keepBusy(busy: BusyGateway, random: Random, goesOn: () => boolean): Promise<void> {
  const often = async (most: number, work: () => Promise<unknown>): Promise<void> => {
    while (goesOn()) {
      await wait(random.below(most))
      await work()
    }
  }
  const selling = Array.from({ length: 3 }, () => often(200, () => sell(busy, random)))
  await Promise.all([
    ...selling,
    often(600, () => ship(busy)),
    often(300, () => changeMember(busy, random)),
    often(2_000, () => consent(busy)),
    often(1_500, () => operate(busy, random)),
  ])
}

/** An order, and often a change of it. Of one in ten nobody hears but by polling. */
async function sell({ world, sellers }: BusyGateway, random: Random): Promise<void> {
  const { market } = world.simulator
  const notify = async (orderId: string) => {
    expect((await world.notify(orderId, { attempts: 10_000, pause: 20 })).at(-1)).to.equal(204)
  }
  const { userId } = random.pick(sellers as [Seller, ...Seller[]])
  if (random.chance(0.1)) {
    // Polling keeps a minute from now.
    const before = new Date(Date.now() - 120_000).toISOString()
    market.addOrder(userId, { creationDate: before, lastModifiedDate: before })
    return
  }
  const { orderId } = market.addOrder(userId)
  await notify(orderId)
  if (!random.chance(0.3)) return
  await wait(random.below(500))
  market.updateOrder(orderId, { buyerCheckoutNotes: `changed ${orderId}` })
  await notify(orderId)
}

async function ship(busy: BusyGateway): Promise<void> {
  const { world, shipped } = busy
  const rows = await world.database.query<{ orderId: string }[]>('SELECT order_id AS orderId FROM eg_order_order ORDER BY id')
  const found = world.simulator.market.orders.get(rows.find(({ orderId }) => !shipped.includes(orderId))?.orderId ?? '')
  if (!found) return
  const { orderId } = found.order
  const body = { carrier: 'UPS', trackingNumber: `1Z${orderId}` }
  const path = `/v1/orders/1/${found.userId}/${orderId}/shipments`
  await insistOn(busy, path, body, { 'idempotency-key': `key-${orderId}` })
  shipped.push(orderId)
}

/** Takes a member on, or lets one go, and tells the gateway as WeCom does. */
async function changeMember({ world, wecom, corp }: BusyGateway, random: Random): Promise<void> {
  const [first] = corp.members.keys()
  const leaver = random.chance(0.3) ? first : undefined
  const userid = leaver ?? `member-${random.digits(12)}`
  if (leaver) corp.members.delete(leaver)
  else corp.members.set(userid, { userid, name: userid, departments: [1] })
  corp.changed()
  const fields = { UserID: userid, ...(leaver ? {} : { Name: userid, Department: '1' }) }
  const change = wecom.change(corp, leaver ? 'delete_user' : 'create_user', fields)
  const access = wecom.access(world.gateway.url, CUSTOMER, 'data', corp)
  while ((await wecom.send(access, change, { pause: 20 })).at(-1) !== 200) await wait(20)
}

async function consent({ world, sellers }: BusyGateway): Promise<void> {
  const seller = world.simulator.market.addSeller()
  // Without the database there is no page to consent on.
  const isKept = async () => (await world.consent({ seller }).catch(() => undefined))?.page.status === 200
  while (!(await isKept())) await wait(50)
  sellers.push(seller)
}

async function operate(busy: BusyGateway, random: Random): Promise<void> {
  const { world, wecom, corp } = busy
  world.simulator.market.expireAccess()
  await requestReading(world.database, { customer: CUSTOMER, suiteId: wecom.suite.suiteId, corpId: corp.corpId })
  const path = `/v1/endpoints/${encodeURIComponent(ENDPOINT)}`
  await insistOn(busy, `${path}/pause`, { reason: 'looking' })
  await wait(random.below(500))
  await insistOn(busy, `${path}/resume`, {})
}

/** Calls the HTTP API until it is done; 409 says that an earlier call did it. */
async function insistOn(
  { world, apiKey }: BusyGateway,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<void> {
  for (;;) {
    const answer = await fetch(`${world.gateway.url}${path}`, {
      ...{ method: 'POST', body: JSON.stringify(body) },
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json', ...headers },
    })
    const text = await answer.text()
    if (answer.ok || answer.status === 409) return
    if (answer.status < 500) throw new Error(`${path} was refused: ${answer.status} ${text}`)
    await wait(20)
  }
}
