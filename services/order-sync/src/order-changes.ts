import type { SourceOrder } from '@tributary/channels'
import { derivedEventId, orderKey, type PersonalPart } from '@tributary/events'
import type { Vault } from '@tributary/vault'
import type { OrderName } from './context.ts'

/** Keyed hashes of what an order says about people, by path, for example `buyer.name`. */
export type FieldDigests = Readonly<Record<string, string>>

/** In place of a digest: we are not sure which of two snapshots the log holds as the newest. */
export const DOUBTFUL = ''

/** What an order looked like when its last event was appended. */
export type SeenOrder = {
  /** Of that event; empty before the first. */
  eventId: string
  sourceTime: number
  digest: string
  /** Whom its sealed part was about. */
  subject: string
  /** Null when the person was erased: what the order says about people counts no more. */
  personal: FieldDigests | null
}

/** An order that is worth an event, and what is to be remembered of it once the event is appended. */
export type ChangedOrder = { order: SourceOrder; eventId: string; previous: string; seen: SeenOrder }

/** A change as it is remembered: what is personal is sealed by then, and would be the larger part of what waits in memory. */
export type SealedChange = Omit<ChangedOrder, 'order'> & { order: Omit<SourceOrder, 'personal'> }

/** 96 bits: enough to tell one value from the next. */
const DIGEST_LENGTH = 16

/**
 * Tells whether an order differs from what was seen last, and how its event will be called. A snapshot older than the
 * one seen is a late answer, not a change. A personal field that is absent has aged out and counts as unchanged.
 *
 * The event's id hangs on everything that was compared and on the event before it: whoever reads the same change again
 * after a crash arrives at the same id, and a change back to an earlier form arrives at a new one.
 */
export function changeOf(name: OrderName, order: SourceOrder, known: SeenOrder | undefined, vault: Vault): ChangedOrder | null {
  const key = orderKey(name.channel, name.sellerId, name.orderId)
  const erased = known !== undefined && known.personal === null
  const present = erased ? {} : fieldDigests(vault, key, order.personal)
  if (known && !differs(order, present, known)) return null
  const previous = known?.eventId ?? ''
  const personal = Object.entries(present).flat()
  const eventId = derivedEventId('OrderReceived', key, order.sourceTime, order.order.digest, ...personal, previous)
  return {
    order,
    previous,
    eventId,
    seen: {
      eventId,
      sourceTime: Math.max(order.sourceTime, known?.sourceTime ?? 0),
      digest: order.order.digest,
      subject: subjectOf(order, known, vault),
      personal: erased ? null : { ...known?.personal, ...present },
    },
  }
}

function differs(order: SourceOrder, present: FieldDigests, known: SeenOrder): boolean {
  if (known.digest === DOUBTFUL) return true
  // A time of 0 was unreadable and says nothing.
  if (order.sourceTime > 0 && order.sourceTime < known.sourceTime) return false
  if (order.sourceTime > known.sourceTime || order.order.digest !== known.digest) return true
  return Object.entries(present).some(([path, digest]) => known.personal?.[path] !== digest)
}

/** A snapshot that does not name its buyer any more stays with the buyer we know, whose erasure must reach it, too. */
function subjectOf(order: SourceOrder, known: SeenOrder | undefined, vault: Vault): string {
  if (known && known.subject !== '' && order.personal.buyer.id === undefined) return known.subject
  return vault.subject(order.person.kind, order.person.id)
}

function fieldDigests(vault: Vault, key: string, { buyer, receiver }: PersonalPart): FieldDigests {
  const digests: [string, string][] = []
  for (const [part, fields] of Object.entries({ buyer, receiver }))
    for (const [field, value] of Object.entries(fields)) {
      const path = `${part}.${field}`
      // Order and path are part of it, so that two orders of one person do not show that they are.
      digests.push([path, vault.subject('order-field', `${key} ${path} ${value}`).slice(0, DIGEST_LENGTH)])
    }
  return Object.fromEntries(digests.sort(([one], [other]) => (one < other ? -1 : 1)))
}
