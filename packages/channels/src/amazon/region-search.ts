import { type App, ChannelError } from '../port.ts'
import type { Attempt } from './call.ts'
import { refusal } from './errors.ts'

/** How far back the question goes that finds a region: only whether it is answered counts. */
const LOOK_BACK = 10 * 60_000

/**
 * In which region an authorization counts. Nothing that comes back from a consent says so, so the one call that every app of ours may
 * make is tried at each endpoint: only that of the seller's own region answers it. Throws what the most telling endpoint said.
 */
export function createRegionSearch({
  attempt,
  regions,
  clock,
}: {
  attempt: Attempt
  regions: readonly string[]
  clock: () => number
}) {
  async function answers(region: string, app: App, sellerId: string, token: string, signal: AbortSignal): Promise<void> {
    const what = 'searchOrders'
    const query = new URLSearchParams({
      lastUpdatedAfter: new Date(clock() - LOOK_BACK).toISOString(),
      maxResultsPerPage: '1',
    })
    const path = `/orders/2026-01-01/orders?${query}`
    const answer = await attempt({ app, sellerId, region }, token, { what, method: 'GET', path }, signal)
    if (answer.status !== 200) throw refusal(answer, what, clock())
  }

  return async (app: App, sellerId: string, token: string, signal: AbortSignal): Promise<string> => {
    const outcomes = await Promise.allSettled(regions.map((region) => answers(region, app, sellerId, token, signal)))
    const index = outcomes.findIndex(({ status }) => status === 'fulfilled')
    const found = regions[index]
    if (found !== undefined) return found
    const reasons = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason : undefined))
    // An endpoint that did not answer may have been the right one; a role that is missing is worth more than a token of elsewhere.
    throw (
      reasons.find((reason) => !isOf(reason, 'CHANNEL_UNAVAILABLE', 'CHANNEL_SCOPE_MISSING')) ??
      reasons.find((reason) => isOf(reason, 'CHANNEL_SCOPE_MISSING')) ??
      reasons[0]
    )
  }
}

const isOf = (reason: unknown, ...codes: readonly string[]): boolean =>
  reason instanceof ChannelError && codes.includes(reason.code)
