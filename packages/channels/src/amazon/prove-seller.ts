import type { Channel } from '../port.ts'
import type { Attempt } from './call.ts'
import { refusal } from './errors.ts'
import { ORDERS } from './orders.ts'

/**
 * `selling_partner_id` comes back through the seller's browser. Neither Login with Amazon nor a call that every app may make says
 * whose token it gave (getMarketplaceParticipations names shops, no account). But an order is shown to its own seller alone: whoever
 * reads one that we have of a seller is that seller. An answer that the order is unknown, or nothing of the token's, proves nothing.
 */
export function createProvesSeller({ attempt, clock }: { attempt: Attempt; clock: () => number }) {
  const provesSeller: NonNullable<Channel['provesSeller']> = async (app, { sellerId, region, access }, orderId, signal) => {
    const what = 'getOrder'
    const path = `${ORDERS}/${encodeURIComponent(orderId)}`
    const answer = await attempt({ app, sellerId, region }, access.token, { what, method: 'GET', path }, signal)
    if (answer.status === 200) return true
    if (answer.status >= 500) throw refusal(answer, what, clock())
    return false
  }
  return { provesSeller }
}
