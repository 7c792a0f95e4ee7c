import { type ContactPart, type Event, type EventOf, isPersonalPart, type PersonalPart } from '@tributary/events'
import type { OpenOutcome, Vault } from '@tributary/vault'
import type { OpenedEvent } from './definition.ts'
import { ProjectionError } from './errors.ts'

/**
 * Opens the sealed part of every event that has one, in one call of the vault; other events stay as they are. Throws
 * VaultError, DatabaseError, and ProjectionError PROJECTION_PERSONAL_PART_INVALID when a seal held something else than
 * what the event's type promises.
 */
export async function openEvents(vault: Vault, events: readonly Event[]): Promise<OpenedEvent[]> {
  const sealed = events.flatMap((event, index) => {
    const item = sealedPartOf(event)
    return item ? [{ ...item, index }] : []
  })
  const outcomes = sealed.length === 0 ? [] : await vault.open(sealed)
  const byIndex = new Map(sealed.map(({ index }, place) => [index, outcomes[place]]))
  return events.map((event, index): OpenedEvent => {
    if (event.type === 'OrderReceived') return { ...event, personal: personalPart(byIndex.get(index), event.id) }
    if (event.type === 'ContactChanged') return { ...event, contact: contactPart(byIndex.get(index), event.id) }
    return event
  })
}

function sealedPartOf(event: Event): { subject: string; eventId: string; jwe: string } | undefined {
  if (event.type !== 'OrderReceived' && event.type !== 'ContactChanged') return undefined
  return event.data.sealed === null ? undefined : { subject: event.data.subject, eventId: event.id, jwe: event.data.sealed }
}

function contactPart(outcome: OpenOutcome | undefined, eventId: string): ContactPart | 'erased' {
  if (outcome?.kind !== 'opened') return 'erased'
  const part = parse(outcome.plaintext)
  if (isContactPart(part)) return part
  throw new ProjectionError('PROJECTION_PERSONAL_PART_INVALID', `The sealed part of event ${eventId} is no ContactPart.`)
}

/** What is inside the fields is whatever WeCom said; a fold takes texts and leaves the rest. */
function isContactPart(part: unknown): part is ContactPart {
  if (typeof part !== 'object' || part === null || !('fields' in part)) return false
  return typeof part.fields === 'object' && part.fields !== null && !Array.isArray(part.fields)
}

function personalPart(outcome: OpenOutcome | undefined, eventId: EventOf<'OrderReceived'>['id']): PersonalPart | 'erased' {
  if (outcome?.kind !== 'opened') return 'erased'
  const part = parse(outcome.plaintext)
  if (isPersonalPart(part)) return part
  throw new ProjectionError('PROJECTION_PERSONAL_PART_INVALID', `The sealed part of event ${eventId} is no PersonalPart.`)
}

/** Undefined for what is not JSON: the parser's own error would quote the text. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
