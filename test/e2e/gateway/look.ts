import type { Event, EventOf } from '@tributary/events'
import type { Row } from '@tributary/projection'
import type { Arrival } from '../../simulators/spi/index.ts'
import { eventually } from './eventually.ts'
import type { World } from './world.ts'

/** Rows of a table whose `column` has this value, by id. */
export const rowsWith = (world: World, table: string, column: string, value: unknown): Promise<Row[]> =>
  world.database.query<Row[]>('SELECT * FROM ?? WHERE ?? = ? ORDER BY id', [table, column, value])

/** The row of an order, once it is there and passes the test. */
export const orderRow = (world: World, orderId: string, test: (row: Row) => boolean = () => true): Promise<Row> =>
  eventually(`order ${orderId} has the expected row`, async () =>
    (await rowsWith(world, 'eg_order_order', 'order_id', orderId)).find(test),
  )

/** What a receiver got of an order, in order of arrival. */
export const arrivalsOf = (world: World, code: string, orderId: string): Arrival[] =>
  (world.receivers[code]?.record.arrivals ?? []).filter(({ key }) => key.endsWith(`:${orderId}`))

/** What a receiver got of an order, once it took as many as that. */
export const deliveriesOf = (world: World, code: string, orderId: string, count = 1): Promise<Arrival[]> =>
  eventually(`${code} took order ${orderId} ${count} times`, () => {
    const taken = arrivalsOf(world, code, orderId).filter((arrival) => arrival.taken)
    return taken.length >= count && taken
  })

/** Every event about an order, in the order of the log. */
export async function eventsOf(world: World, orderId: string): Promise<Event[]> {
  return (await world.events()).filter((event) => 'orderId' in event.data && event.data.orderId === orderId)
}

/** The snapshots of an order in the log. */
export async function snapshotsOf(world: World, orderId: string): Promise<EventOf<'OrderReceived'>[]> {
  return (await eventsOf(world, orderId)).filter((event) => event.type === 'OrderReceived')
}
