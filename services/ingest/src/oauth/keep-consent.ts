import { createEvent, sellerKey } from '@tributary/events'
import { type IngestContext, SOURCE } from '../context.ts'
import { traceOf } from '../kept-events.ts'
import type { ConsentReception } from '../reception.ts'
import type { Work } from '../work.ts'

/** Keeps a consent. */
export const keepConsent =
  (context: Pick<IngestContext, 'vault' | 'rowIds'>): Work<ConsentReception, void> =>
  async (reception, append) =>
    append(await Promise.all(reception.grants.map((grant) => authorizedEvent(context, reception, grant))))

async function authorizedEvent(
  { vault, rowIds }: Pick<IngestContext, 'vault' | 'rowIds'>,
  reception: ConsentReception,
  grant: ConsentReception['grants'][number],
) {
  const { time, intent } = reception
  const { eventId: id } = grant
  const key = sellerKey(intent.channel, grant.sellerId)
  const subject = vault.subject('seller', key)
  const [outcome] = await vault.seal([{ subject, eventId: id, plaintext: grant.refreshToken }])
  return createEvent({
    id,
    type: 'SellerAuthorized',
    source: SOURCE,
    subject: `sellers/${intent.channel}/${grant.sellerId}`,
    time,
    partitionkey: key,
    ...traceOf(reception),
    data: {
      channel: intent.channel,
      sellerId: grant.sellerId,
      rowId: rowIds.next(),
      appId: intent.appId,
      sellerName: grant.sellerName,
      region: grant.region,
      spiServerCodes: intent.spiCodes === null ? null : [...intent.spiCodes],
      authorizedTime: time,
      subject,
      sealed: outcome?.kind === 'sealed' ? outcome.jwe : null,
      refreshTokenExpiresIn: grant.refreshTokenExpiresIn,
      refreshTokenExpiresTime: grant.refreshTokenExpiresTime,
    },
  })
}
