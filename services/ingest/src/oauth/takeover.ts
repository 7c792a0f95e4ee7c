import { type App, type Channel, ChannelError, type Grant } from '@tributary/channels'
import { findSeller, latestOrderId } from '@tributary/database'
import type { IngestContext } from '../context.ts'
import { within } from '../within.ts'

/** A person waits before a blank page, milliseconds. */
const PROOF_WITHIN = 10_000

/**
 * Whether one of the grants would take over a seller that we have, though nothing proves that it is the same account: whoever has a
 * link of ours and an account of his own could else put his grant in the place of another seller's, whose orders would stop. A
 * seller that is new takes nothing over. Throws DatabaseError.
 */
export async function isDoubtfulTakeover(
  context: IngestContext,
  channel: Channel,
  app: App,
  grants: readonly Grant[],
): Promise<boolean> {
  if (!channel.provesSeller) return false
  for (const grant of grants) {
    const known = await findSeller(context.database, channel.number, grant.sellerId)
    if (!known) continue
    const orderId = await latestOrderId(context.database, known)
    if (orderId === undefined || !(await isProved(context, channel, { app, grant, orderId }))) return true
  }
  return false
}

async function isProved(
  { logger }: IngestContext,
  channel: Channel,
  { app, grant, orderId }: { app: App; grant: Grant; orderId: string },
): Promise<boolean> {
  try {
    return (await within(PROOF_WITHIN, async (signal) => await channel.provesSeller?.(app, grant, orderId, signal))) === true
  } catch (error) {
    // The code is used up: an operator's word will do, where to begin again would be asked of the seller.
    const code = error instanceof ChannelError ? error.code : 'CHANNEL_UNAVAILABLE'
    logger.warn({ channel: channel.number, code }, 'it could not be found out whose consent this is')
    return false
  }
}
