import type { EventOf } from '@tributary/events'
import { orders } from '@tributary/orders'
import { verifyProjection } from '@tributary/projection/testing'
import { sellers } from '@tributary/sellers'
import { expect } from 'chai'
import { eventually } from './eventually.ts'
import type { World } from './world.ts'

/** Every snapshot of an order that is in the log. */
export async function snapshots(world: World): Promise<EventOf<'OrderReceived'>[]> {
  return (await world.events()).filter((event) => event.type === 'OrderReceived')
}

/** Waits until the newest state of every order of the marketplace stands in its row and has been delivered. */
export async function everythingArrived(world: World, options: { code?: string; patience?: number } = {}): Promise<void> {
  const { code = 'warehouse', patience = 60_000 } = options
  const look = async () => (await isShown(world)) && (await isDelivered(world, code))
  await eventually('every order was read, projected and delivered', look, patience)
}

async function isShown({ simulator, database }: World): Promise<boolean> {
  const rows = await database.query<{ order_id: string; time: number }[]>(
    'SELECT order_id, last_modified_date_time AS time FROM eg_order_order',
  )
  const shown = new Map(rows.map(({ order_id, time }) => [order_id, time]))
  return [...simulator.market.orders.values()].every(
    ({ order }) => shown.get(order.orderId) === Date.parse(order.lastModifiedDate),
  )
}

async function isDelivered(world: World, code: string): Promise<boolean> {
  return (await snapshots(world)).every(({ id }) => world.receivers[code]?.record.has(`msg_${id}`))
}

/** The tables are what the log says, column by column, and hold every order of the marketplace. */
export async function tablesEqualTheLog({ database, log, vault, simulator }: World): Promise<void> {
  for (const projection of [sellers, orders]) {
    const { differences } = await verifyProjection({ projection, database, log, vault })
    expect(differences, `${projection.name}: tables and fold`).to.deep.equal([])
  }
  const [row] = await database.query<{ rows: number }[]>('SELECT COUNT(*) AS `rows` FROM eg_order_order')
  expect(row?.rows).to.equal(simulator.market.orders.size)
}

/** Every snapshot was delivered, those of an order one after another as the log has them. Answers how many there are. */
export async function deliveriesFollowTheLog(world: World, code = 'warehouse'): Promise<number> {
  const record = world.receivers[code]?.record
  const received = await snapshots(world)
  for (const [key, recorded] of Map.groupBy(received, ({ data }) => `1:${data.sellerId}:${data.orderId}`)) {
    const expected = recorded.map(({ id }) => `msg_${id}`)
    expect(record?.firstTaken(key), `deliveries of ${key}, in the order of the log`).to.deep.equal(expected)
  }
  expect(record?.taken).to.equal(received.length)
  return received.length
}
