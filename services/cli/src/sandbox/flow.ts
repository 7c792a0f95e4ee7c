import { pause } from '@tributary/runtime'
import type { World } from './world.ts'

/** How often eBay would try again, and how long the sandbox waits in between, milliseconds. */
const ATTEMPTS = 20
const PAUSE = 500

/** What was sent, to be compared with what arrived. */
export type Sent = { orders: string[]; lines: number }

/**
 * Lets orders happen at the simulated marketplace, `rate` a second, each followed by its notification, until `count`
 * are out or the signal aborts. `onOrder` hears each order before its notification leaves.
 */
export async function sendOrders(
  world: World,
  options: { userId: string; rate: number; count: number; signal: AbortSignal; onOrder(orderId: string): void },
): Promise<Sent> {
  const { market, notifications } = world.simulator
  const address = `${world.gatewayUrl}/open/order/callback/1`
  const sent: Sent = { orders: [], lines: 0 }
  const underway = new Set<Promise<unknown>>()
  while (sent.orders.length < options.count && !options.signal.aborted) {
    const order = market.addOrder(options.userId)
    sent.orders.push(order.orderId)
    sent.lines += order.lineItems.length
    options.onOrder(order.orderId)
    const sending = notifications
      .send(address, notifications.orderConfirmation(order.orderId), { attempts: ATTEMPTS, pause: PAUSE })
      .finally(() => underway.delete(sending))
    underway.add(sending)
    await pause(1000 / options.rate, options.signal)
  }
  await Promise.all(underway)
  return sent
}
