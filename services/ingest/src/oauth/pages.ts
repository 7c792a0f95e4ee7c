import type { ChannelError } from '@tributary/channels'
import type { Page } from './page.ts'
import type { ParkedConsent } from './parked-consents.ts'
import type { Intent, Refusal } from './states.ts'

const NOTHING_STORED = 'Nothing was stored.'

/** Begins the same consent anew: a state serves once. */
function again(intent: Intent | undefined): Pick<Page, 'link'> {
  if (!intent) return {}
  const query = new URLSearchParams({
    app: String(intent.appId),
    ...(intent.spiCodes ? { spi: intent.spiCodes.join(',') } : {}),
  })
  return { link: { href: `/open/order/oauth/authorize/${intent.channel}?${query}`, label: 'Try again' } }
}

export const authorizedPage = (channel: string, sellerName: string): Page => ({
  status: 200,
  title: 'The shop is connected',
  text: [`Orders of ${sellerName || 'your shop'} at ${channel} will arrive from now on.`, 'You may close this window.'],
})

export const parkedPage = (channel: string, reason: ParkedConsent['reason']): Page => ({
  status: 202,
  title: 'The shop is almost connected',
  text: [
    reason === 'unasked'
      ? `${channel} sent you here without a link of ours, so somebody has to confirm that the shop is to be connected.`
      : `The shop was connected before, and ${channel} does not say whose consent this is, so somebody has to confirm that it is the shop's.`,
    'Tell whoever runs this service. You may close this window.',
  ],
})

export const tooManyWaitPage = (channel: string): Page => ({
  status: 503,
  title: 'The shop is not connected',
  text: [
    `Somebody has to confirm consents of ${channel} that come like yours, and too many others wait for that. ${NOTHING_STORED}`,
    'Tell whoever runs this service, and begin again when they have looked.',
  ],
})

export const declinedPage = (channel: string, intent: Intent | undefined): Page => ({
  status: 200,
  title: 'The shop is not connected',
  text: [`You did not agree at ${channel}, so nothing was stored.`, 'Should that have been a mistake, begin again.'],
  ...again(intent),
})

export const refusedPage = (channel: string, intent: Intent | undefined): Page => ({
  status: 400,
  title: 'The shop is not connected',
  text: [`${channel} sent you back without a consent. ${NOTHING_STORED}`],
  ...again(intent),
})

/** What is wrong with a state, for the person who came with it. */
export function stateRefusedPage(refusal: Refusal): Page {
  const reasons: Record<Refusal['kind'], string> = {
    unknown: 'This link is not one of ours, or it is very old.',
    used: 'This link was used already. When the shop was connected then, all is well.',
    expired: 'This took longer than ten minutes.',
    'other-browser': 'This was begun in another browser. Cookies must be allowed for this site.',
  }
  return {
    status: 400,
    title: 'This link cannot be used',
    text: [reasons[refusal.kind], `Begin again from the start. ${NOTHING_STORED}`],
    ...again(refusal.kind === 'unknown' || refusal.kind === 'other-browser' ? undefined : refusal.intent),
  }
}

export function exchangeFailedPage(channel: string, remedy: ChannelError['remedy'], intent: Intent | undefined): Page {
  const failures: Record<ChannelError['remedy'], { status: number; text: string }> = {
    retry: { status: 503, text: `${channel} does not answer at the moment. Try again in a few minutes.` },
    reauthorize: { status: 400, text: `${channel} no longer accepts this consent. Try again.` },
    person: { status: 502, text: `${channel} refused our app. Tell whoever runs this service.` },
    bug: { status: 502, text: `${channel} answered in a way we do not understand. Tell whoever runs this service.` },
  }
  const { status, text } = failures[remedy]
  return { status, title: 'The shop is not connected', text: [text, NOTHING_STORED], ...again(intent) }
}

export const notKeptPage = (intent: Intent): Page => ({
  status: 503,
  title: 'The shop is not connected',
  text: ['Your consent could not be kept just now. Try again in a minute.', NOTHING_STORED],
  ...again(intent),
})
