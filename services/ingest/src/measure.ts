import { channelName } from '@tributary/events'
import { counter } from '@tributary/runtime'

const notifications = counter({
  name: 'tributary_notifications_total',
  help: 'Notifications that came: kept in the log, or spooled on the way there, refused for what the sender got wrong, or not kept for a trouble of ours.',
  labels: ['channel', 'outcome'],
})
const refusals = counter({
  name: 'tributary_notification_refusals_total',
  help: 'Notifications that were refused or could not be verified, by the code of the answer.',
  labels: ['channel', 'code'],
})
const signatureFailures = counter({
  name: 'tributary_signature_failures_total',
  help: 'Notifications without a valid signature of the one they say they come from.',
  labels: ['channel'],
})

export const countNotification = (channel: number, outcome: 'kept' | 'spooled' | 'refused' | 'not-kept'): void =>
  notifications.add(1, { channel: channelName(channel), outcome })
export const countRefusal = (channel: number, code: string): void => refusals.add(1, { channel: channelName(channel), code })
/** `channel` is the short name of whoever the notification says it comes from: a marketplace, or wecom. */
export const countSignatureFailure = (channel: string): void => signatureFailures.add(1, { channel })

/** Has every count of a channel stand at zero before anything comes, so that the first failure is a growth that an alert can see. */
export function countNotificationsFromZero(channel: string): void {
  for (const outcome of ['kept', 'spooled', 'refused', 'not-kept'] as const) notifications.add(0, { channel, outcome })
  signatureFailures.add(0, { channel })
}

const callbacks = counter({
  name: 'tributary_wework_callbacks_total',
  help: 'Callbacks of WeCom by what became of them: kept, spooled, not-kept, or the reason of the refusal.',
  labels: ['customer', 'outcome'],
})

export const countCallback = (customer: string, outcome: string): void => callbacks.add(1, { customer, outcome })
