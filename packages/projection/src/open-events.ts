import { type Event, type EventOf, type PersonalPart, PersonalPartSchema } from '@tributary/events'
import type { OpenOutcome, Vault } from '@tributary/vault'
import { Ajv } from 'ajv'
import type { OpenedEvent } from './definition.ts'
import { ProjectionError } from './errors.ts'

const isPersonalPart = new Ajv({ strict: true }).compile<PersonalPart>(PersonalPartSchema)

/**
 * Opens the sealed part of every OrderReceived, in one call of the vault; other events stay as they are. Throws VaultError,
 * DatabaseError, and ProjectionError PROJECTION_PERSONAL_PART_INVALID when a seal held something else than a PersonalPart.
 */
export async function openEvents(vault: Vault, events: readonly Event[]): Promise<OpenedEvent[]> {
  const sealed = events.flatMap((event, index) => {
    const item = sealedPartOf(event)
    return item ? [{ ...item, index }] : []
  })
  const outcomes = sealed.length === 0 ? [] : await vault.open(sealed)
  const byIndex = new Map(sealed.map(({ index, eventId }, place) => [index, personalPart(outcomes[place], eventId)]))
  return events.map((event, index): OpenedEvent => {
    if (event.type !== 'OrderReceived') return event
    return { ...event, personal: byIndex.get(index) ?? 'erased' }
  })
}

function sealedPartOf(event: Event): { subject: string; eventId: string; jwe: string } | undefined {
  if (event.type !== 'OrderReceived' || event.data.sealed === null) return undefined
  return { subject: event.data.subject, eventId: event.id, jwe: event.data.sealed }
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
