import { pause } from '@tributary/runtime'
import type { SandboxOrder } from './shipments.ts'
import type { World } from './world.ts'

/** How often a marketplace would try again, and how long the sandbox waits in between, milliseconds. */
const ATTEMPTS = 20
const PAUSE = 500

/** What was sent, to be compared with what arrived. */
export type Sent = { orders: string[]; lines: number; contacts: number }

/** How much of what may flow, and how fast. */
export type FlowOptions = {
  /** Of each marketplace in turn, one. */
  sellers: readonly { sellerId: string }[]
  /** Orders, or contacts, a second. */
  rate: number
  orders: number
  contacts: number
  signal: AbortSignal
  /** Hears each order before its notification leaves. */
  onOrder(order: SandboxOrder): void
}

/**
 * Lets orders happen at the simulated marketplaces in turn, and members at the simulated WeCom, each followed by its
 * notification, until enough of both are out or the signal aborts.
 */
export async function sendAll(world: World, options: FlowOptions): Promise<Sent> {
  const [orders, contacts] = await Promise.all([sendOrders(world, options), sendContacts(world, options)])
  return { ...orders, contacts }
}

async function sendOrders(world: World, { sellers, rate, orders: count, signal, onOrder }: FlowOptions) {
  const sent = { orders: [] as string[], lines: 0 }
  const underway = new Set<Promise<unknown>>()
  while (sent.orders.length < count && !signal.aborted) {
    const turn = sent.orders.length % world.marketplaces.length
    const [marketplace, seller] = [world.marketplaces[turn], sellers[turn]]
    if (!marketplace || !seller) break
    const order = marketplace.addOrder(seller.sellerId)
    sent.orders.push(order.orderId)
    sent.lines += order.lines
    onOrder({ orderId: order.orderId, channel: marketplace.channel, sellerId: seller.sellerId })
    const sending = marketplace
      .notify(order.orderId, { attempts: ATTEMPTS, pause: PAUSE })
      .finally(() => underway.delete(sending))
    underway.add(sending)
    await pause(1000 / rate, signal)
  }
  await Promise.all(underway)
  return sent
}

async function sendContacts({ contacts, gatewayUrl }: World, { rate, contacts: count, signal }: FlowOptions) {
  let sent = 0
  while (contacts && sent < count && !signal.aborted) {
    await contacts.hire(gatewayUrl)
    sent += 1
    await pause(1000 / rate, signal)
  }
  return sent
}
