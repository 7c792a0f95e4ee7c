import type { Database } from '@tributary/database'
import type { EventLog } from '@tributary/event-log'
import { ORDER_TOPIC } from '@tributary/events'
import type { SandboxOrder } from './shipments.ts'

/** How far one order of the sandbox has come; times in milliseconds since its notification. */
export type OrderProgress = SandboxOrder & {
  startedTime: number
  appended?: { after: number; partition: number; position: number }
  projected?: { after: number }
  delivered?: { after: number; receivers: number }
}

/** Watches the log, the tables and the receivers, because what they hold is what counts. */
export function watchProgress(world: {
  database: Database
  log: EventLog
  /** How many receivers have verified the order. */
  receiversOf(orderId: string): number
  expectedReceivers: number
}): { add(order: SandboxOrder): void; look(): Promise<OrderProgress[]>; orders: ReadonlyMap<string, OrderProgress> } {
  const orders = new Map<string, OrderProgress>()
  const nextPositions = new Map<number, number>()
  const finished = new Set<string>()

  /** Looks once; answers the orders that have gone all the way since the last look. */
  async function look(): Promise<OrderProgress[]> {
    await lookAtLog()
    await lookAtTables()
    for (const order of orders.values()) {
      const receivers = world.receiversOf(order.orderId)
      if (order.projected && !order.delivered && receivers >= world.expectedReceivers)
        order.delivered = { after: since(order), receivers }
    }
    const done = [...orders.values()].filter((order) => isDone(order) && !finished.has(order.orderId))
    for (const { orderId } of done) finished.add(orderId)
    return done
  }

  async function lookAtLog(): Promise<void> {
    const partitions = await world.log.partitions(ORDER_TOPIC)
    for (let partition = 0; partition < partitions; partition++) {
      const slice = await world.log.read(ORDER_TOPIC, partition, nextPositions.get(partition) ?? 0)
      nextPositions.set(partition, slice.next)
      for (const { event, position } of slice.events) {
        const order = event.type === 'OrderReceived' ? orders.get(orderOf(event.subject)) : undefined
        if (order && !order.appended) order.appended = { after: since(order), partition, position }
      }
    }
  }

  async function lookAtTables(): Promise<void> {
    const pending = [...orders.values()].filter((order) => order.appended && !order.projected).map(({ orderId }) => orderId)
    if (pending.length === 0) return
    const rows = await world.database.query<{ order_id: string }[]>(
      'SELECT order_id FROM eg_order_order WHERE order_id IN (?)',
      [pending],
    )
    for (const { order_id } of rows) {
      const order = orders.get(order_id)
      if (order) order.projected = { after: since(order) }
    }
  }

  return {
    orders,
    look,
    add(order) {
      orders.set(order.orderId, { ...order, startedTime: Date.now() })
    },
  }
}

/** One line about an order that went all the way. */
export function describeOrder(order: OrderProgress): string {
  const { appended, projected, delivered } = order
  return [
    `order ${order.orderId}`,
    `read and appended after ${appended?.after} ms (partition ${appended?.partition}, position ${appended?.position})`,
    `rows after ${projected?.after} ms`,
    `delivered to ${delivered?.receivers} receivers, signatures verified, after ${delivered?.after} ms`,
  ].join(' · ')
}

const since = (order: OrderProgress): number => Date.now() - order.startedTime
const isDone = (order: OrderProgress): boolean => Boolean(order.appended && order.projected && order.delivered)
const orderOf = (subject: string): string => decodeURIComponent(subject.split('/').at(-1) ?? '')
