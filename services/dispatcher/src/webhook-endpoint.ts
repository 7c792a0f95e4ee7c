import { hash } from 'node:crypto'
import {
  type ContactBody,
  contactAttributes,
  contactData,
  contactRequest,
  type DeliveryPolicy,
  type EndpointDefinition,
  type OpenedKey,
  type Target,
} from '@tributary/delivery'
import { CONTACT_TOPIC, type ContactPart, type Event, type EventOf, type StoredEvent } from '@tributary/events'
import type { Configuration, PartnerWebhook } from '@tributary/runtime'
import type { Vault } from '@tributary/vault'
import { signersOf } from './signing-keys.ts'

/** A webhook of a customer, with the name of its endpoint. */
export type NamedWebhook = { name: string; customer: string; webhook: PartnerWebhook }

/** Every webhook of the configuration that wants changes of directories. */
export function webhooksOf({ wework, consumerGroups }: Pick<Configuration, 'wework' | 'consumerGroups'>): NamedWebhook[] {
  return Object.entries(wework).flatMap(([customer, { webhooks }]) =>
    webhooks
      .filter(({ events }) => events.includes('change_contact'))
      .map((webhook) => ({ name: webhookName(consumerGroups.weworkEventWebhook, customer, webhook.url), customer, webhook })),
  )
}

/** What the columns of endpoints and consumers hold. */
const LONGEST_NAME = 128

/**
 * Keeps to its address, so that the cursor does not change hands when the list of webhooks is put in another order. Where the
 * customer's name is too long for it, a digest stands for that.
 */
function webhookName(group: string, customer: string, url: string): string {
  const named = (who: string) => `${group}:${who}:${hash('sha256', url, 'hex').slice(0, 8)}`
  const whole = named(customer)
  return whole.length <= LONGEST_NAME ? whole : named(`=${hash('sha256', customer, 'base64url')}`)
}

const CONTRACT = 1

/** A partner whose receiver never takes one change would hear nothing more of that member: it goes to the dead letters instead. */
export const WEBHOOK_POLICY: Partial<DeliveryPolicy> = { exhausted: 'skip' }

type ContactEvent = EventOf<'ContactChanged'>
const isContact = (event: Event): event is ContactEvent => event.type === 'ContactChanged'

/** What a webhook delivers: every change in the directories of its customer's corps, in order for each member. */
export function webhookEndpoint(options: {
  named: NamedWebhook
  vault: Vault
  policy: Partial<DeliveryPolicy>
}): EndpointDefinition {
  const { named, vault, policy } = options
  const { name, customer, webhook } = named
  return {
    name,
    topic: CONTACT_TOPIC,
    group: name,
    types: ['ContactChanged'],
    contract: CONTRACT,
    deadline: webhook.timeout,
    policy,
    route: async (events) => events.map((event) => (isContact(event) && isTold(event.data, customer) ? 'deliver' : 'pass')),
    bodies: (events) => bodiesOf(events.filter(isContact), vault, webhook),
    orderKey: (event) => (isContact(event) ? orderKeyOf(event) : event.partitionkey),
    request: (parts) => contactRequest(webhook.mode, parts),
  }
}

/** What an existing system knew is no news: its partners have heard it from there. */
const isTold = ({ customer: whose, origin }: { customer?: unknown; origin?: unknown }, customer: string): boolean =>
  whose === customer && origin !== 'import' && origin !== 'import-event'

/** Which stored events a customer's webhooks would get, told without opening or checking them, so that a million can be counted. */
export function contactEventFilter(customer: string): (events: readonly StoredEvent[]) => Promise<boolean[]> {
  return async (events) =>
    events.map(({ type, data }) => type === 'ContactChanged' && isTold(JSON.parse(data) as object, customer))
}

/** Tags and all else that is no member and no department have one order among themselves. */
const orderKeyOf = ({ partitionkey, data }: ContactEvent): string =>
  `${partitionkey}/${data.member ?? data.department ?? 'tags'}`

async function bodiesOf(events: readonly ContactEvent[], vault: Vault, { fields }: PartnerWebhook): Promise<string[]> {
  const sealed = events.flatMap(({ id, data }) =>
    data.sealed === null ? [] : [{ subject: data.subject, eventId: id, jwe: data.sealed }],
  )
  const opened = sealed.length === 0 ? [] : await vault.open(sealed)
  const byEvent = new Map(sealed.map(({ eventId }, index) => [eventId, opened[index]]))
  return events.map((event) => {
    const outcome = byEvent.get(event.id)
    const part = outcome?.kind === 'opened' ? (JSON.parse(outcome.plaintext) as ContactPart) : 'erased'
    return JSON.stringify({
      attributes: contactAttributes(event, part),
      data: contactData(event, part, fields),
    } satisfies ContactBody)
  })
}

/** Where a webhook is and how its requests are signed, or what an operator must do so that it can be told. */
export function webhookTarget(
  { name, customer, webhook }: NamedWebhook,
  ours: readonly OpenedKey[],
): Target | { problem: string } {
  const { url, mode, secret = '' } = webhook
  if (!URL.canParse(url))
    return { problem: `A url in qifu.eg.wework-map.${customer}.webhooks is no address: mend its host or its port.` }
  // Nothing signs in this mode; the receivers that need it check nothing.
  if (mode === 'compat') return { url, keys: [] }
  const where = `secret in qifu.eg.wework-map.${customer}.webhooks`
  const signers = signersOf({ name, ours, given: secret, where }, Date.now())
  return 'problem' in signers ? signers : { url, ...signers }
}
