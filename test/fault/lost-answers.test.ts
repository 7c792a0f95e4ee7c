import type { Event } from '@tributary/events'
import { expect } from 'chai'
import { eventually } from '../e2e/gateway/eventually.ts'
import { tablesEqualTheLog } from '../e2e/gateway/proof.ts'
import { createRandom } from '../random.ts'
import { type BusyGateway, keepBusy, openBusyGateway } from './busy-gateway.ts'
import { randomBreaks } from './random-breaks.ts'

const SEED = Number(process.env['TRIBUTARY_TEST_SEED'] ?? Date.now() % 1_000_000)
/** A long run has hundreds. */
const SECONDS = Number(process.env['TRIBUTARY_FAULT_SECONDS'] ?? 15)
/** Milliseconds between two broken connections, as a rule. */
const MEAN = 80
/** Milliseconds in which all that was begun must have come to its end. A claim that nobody has lasts four times as long. */
const PATIENCE = 30_000
/** Characters that the gateway wrote last, shown when something did not arrive. */
const LAST_WORDS = 50_000
/** What is told to receivers of orders. */
const TOLD: readonly string[] = ['OrderReceived', 'ShipmentConfirmed']

describe(`the whole gateway, whose connections to the database break in place of answers (seed ${SEED})`, function () {
  this.timeout(SECONDS * 1_000 + 120_000)
  let busy: BusyGateway
  before(async () => {
    busy = await openBusyGateway(SEED)
  })
  after(() => busy?.close())

  it('loses nothing, does nothing twice, and leaves nothing lying', async () => {
    const random = createRandom(SEED)
    const breaks = randomBreaks(random, MEAN)
    busy.relay.breakWhere(breaks.choose)
    const end = performance.now() + SECONDS * 1_000
    await keepBusy(busy, random, () => performance.now() < end)
    busy.relay.breakWhere(undefined)
    const { world, shipped } = busy
    const told = `${breaks.broken().length} broken connections, ${world.simulator.market.orders.size} orders, ${shipped.length} shipments`
    process.stdout.write(`    ${told}\n`)
    try {
      await everythingSettles(busy)
    } catch (error) {
      process.stdout.write(`${breaks.broken().join('\n')}\n${world.gateway.output().slice(-LAST_WORDS)}\n`)
      throw error
    }
    await tablesEqualTheLog(world)
    await deliveriesAreTheLog(busy)
    for (const id of shipped) expect(world.simulator.market.orders.get(id)?.fulfillments, `packages of ${id}`).to.have.length(1)
    expect((await world.events()).filter(({ type }) => type === 'ShipmentConfirmed')).to.have.length(shipped.length)
    const verified = await world.gateway.run(['deliveries', 'verify'])
    expect(verified.code, verified.output + verified.errors).to.equal(0)
  })
})

/** Resolves when everything that happened has arrived everywhere, and nothing waits or is claimed. */
async function everythingSettles({ world, corp }: BusyGateway): Promise<void> {
  const { database, simulator, receivers, gateway } = world
  const healed = Date.now()
  const soon = (what: string, look: () => Promise<boolean>) =>
    eventually(what, look, Math.max(1, healed + PATIENCE - Date.now()))
  const has = async (rows: string): Promise<boolean> => (await database.query(`SELECT 1 FROM ${rows} LIMIT 1`)).length > 0
  await soon('every order stands in the tables as the marketplace has it', async () => {
    const rows = await database.query<{ id: string; time: number }[]>(
      'SELECT order_id AS id, last_modified_date_time AS time FROM eg_order_order',
    )
    const shown = new Map(rows.map(({ id, time }) => [id, time]))
    return [...simulator.market.orders.values()].every(
      ({ order }) => shown.get(order.orderId) === Date.parse(order.lastModifiedDate),
    )
  })
  await soon('everything is delivered', async () =>
    (await world.events()).every(({ id, type }) => !TOLD.includes(type) || receivers['warehouse']?.record.has(`msg_${id}`)),
  )
  await soon('the directory is as the corp has it', async () => {
    const rows = await database.query<{ id: string }[]>('SELECT user_id AS id FROM eg_wework_member WHERE deleted = 0')
    return rows.length === corp.members.size && rows.every(({ id }) => corp.members.has(id))
  })
  for (const rows of [
    "tributary_shipment WHERE state <> 'confirmed'",
    'tributary_order_read',
    'tributary_wework_corp WHERE claimed_by IS NOT NULL',
    `tributary_poll WHERE success_time < ${healed}`,
    'tributary_delivery_lane',
    'tributary_delivery_waiting',
    'tributary_dead_letter',
    'tributary_parked_key',
  ])
    await soon(`there are no ${rows}`, async () => !(await has(rows)))
  await soon('health is well', async () => (await gateway.health()).status === 'ok')
}

/** Each event of an order was delivered, in the order of the log, and nothing else. */
async function deliveriesAreTheLog({ world }: BusyGateway): Promise<void> {
  const record = world.receivers['warehouse']?.record
  const events = (await world.events()).filter(({ type }) => TOLD.includes(type))
  for (const [key, ofOrder] of Map.groupBy(events, keyOf)) {
    const expected = ofOrder.map(({ id }) => `msg_${id}`)
    expect(record?.firstTaken(key), `deliveries of ${key}`).to.deep.equal(expected)
  }
  expect(record?.taken).to.equal(events.length)
}

const keyOf = ({ data }: Event): string => ('orderId' in data ? `${data.channel}:${data.sellerId}:${data.orderId}` : '')
