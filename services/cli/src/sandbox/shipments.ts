import { addApiKey } from '@tributary/console'
import type { World } from './world.ts'

const CARRIER = 'UPS'
const TRACKING_NUMBER = '1Z999AA10123456784'

/** An order of the sandbox and where it is from. */
export type SandboxOrder = { orderId: string; channel: number; sellerId: string }

/** How many orders were shipped, how many of these the marketplace has once, and how many receivers heard so. */
export type ShipmentCounts = { asked: number; confirmed: number; delivered: number }

/** Ships the first order of each marketplace over the HTTP API, as a company's own system would. */
export type SandboxShipments = {
  /** Hears each order that went all the way. */
  arrived(order: SandboxOrder): Promise<void>
  count(): Promise<ShipmentCounts>
}

export function createShipments({
  gatewayUrl,
  platform,
  marketplaces,
  receivers,
}: Pick<World, 'gatewayUrl' | 'platform' | 'marketplaces' | 'receivers'>): SandboxShipments {
  const shipped = new Map<number, { order: SandboxOrder; location: string }>()
  const key = addApiKey(platform.database, { name: 'sandbox', scopes: ['read', 'ship'] })
  // Whoever uses it hears of its failure.
  key.catch(() => {})
  const authorization = async () => ({ Authorization: `Bearer ${(await key).key}` })

  async function isConfirmed({ order, location }: { order: SandboxOrder; location: string }): Promise<boolean> {
    const answer = await fetch(`${gatewayUrl}${location}`, { headers: await authorization() })
    const { state } = (await answer.json()) as { state?: string }
    const marketplace = marketplaces.find(({ channel }) => channel === order.channel)
    return state === 'confirmed' && marketplace?.shipments(order.orderId).length === 1
  }

  return {
    async arrived(order) {
      if (shipped.has(order.channel)) return
      const name = [order.channel, order.sellerId, order.orderId].map((part) => encodeURIComponent(part)).join('/')
      const answer = await fetch(`${gatewayUrl}/v1/orders/${name}/shipments`, {
        method: 'POST',
        headers: {
          ...(await authorization()),
          'content-type': 'application/json',
          'idempotency-key': `sandbox-${order.orderId}`,
        },
        body: JSON.stringify({ carrier: CARRIER, trackingNumber: TRACKING_NUMBER }),
      })
      if (!answer.ok) throw new Error(`A shipment was not accepted: ${answer.status} ${await answer.text()}`)
      shipped.set(order.channel, { order, location: answer.headers.get('location') ?? '' })
    },
    async count() {
      const states = await Promise.all([...shipped.values()].map(isConfirmed))
      const keys = [...shipped.values()].map(({ order }) => `${order.channel}:${order.sellerId}:${order.orderId}`)
      const heard = receivers.flatMap(({ record }) =>
        keys.filter((one) =>
          record.arrivals.some(({ key, type, taken }) => taken && key === one && type === 'ShipmentConfirmed'),
        ),
      )
      return { asked: shipped.size, confirmed: states.filter(Boolean).length, delivered: heard.length }
    },
  }
}
