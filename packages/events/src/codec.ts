import { checkAttributes } from './attributes.ts'
import { CATALOGUE, type EventData, type EventType, type Topic } from './catalogue.ts'
import type { Event, EventAttributes, EventOf, StoredEvent } from './envelope.ts'
import { EventError } from './errors.ts'
import { type Check, checkOf, explainErrors } from './schema-check.ts'
import { UPCASTERS } from './upcasters.ts'

/** What the maker of an event decides; the rest of the envelope follows from the type. */
export type NewEvent<T extends EventType> = {
  id: string
  type: T
  source: string
  subject: string
  /** Milliseconds since 1970. */
  time: number
  partitionkey: string
  traceparent?: string
  data: EventData<T>
}

type Step = { check: () => Check; upcast(data: Record<string, unknown>): Record<string, unknown> }

const newest = new Map<string, { version: number; check: () => Check }>()
const older = new Map<string, Step>()
for (const [type, { version, schema }] of Object.entries(CATALOGUE)) newest.set(type, { version, check: checkOf(schema) })
for (const [type, steps] of Object.entries(UPCASTERS))
  for (const [from, { schema, upcast }] of Object.entries(steps))
    older.set(`${type} ${from}`, { check: checkOf(schema), upcast })

/** Whether `type` is one of the catalogue. */
export const isEventType = (type: string): type is EventType => newest.has(type)

/** The topic that events of a type go to. */
export const topicOf = (type: EventType): Topic => CATALOGUE[type].topic

/**
 * Makes an event of the newest version of its type. Throws EventError EVENT_INVALID when an attribute breaks CloudEvents
 * or the data breaks its schema; the message names the place and the rule, never the value.
 */
export const createEvent = <T extends EventType>(input: NewEvent<T>): EventOf<T> => {
  const { version, check } = newestOf(input.type)
  const event: EventOf<T> = {
    specversion: '1.0',
    id: input.id,
    type: input.type,
    source: input.source,
    subject: input.subject,
    time: timeText(input.time),
    datacontenttype: 'application/json',
    dataversion: version,
    partitionkey: input.partitionkey,
    ...(input.traceparent === undefined ? {} : { traceparent: input.traceparent }),
    data: input.data,
  }
  checkAttributes(event)
  checkData(check, input.type, version, input.data)
  return event
}

/** A new event as a log keeps it: `createEvent` and `encodeEvent`, checked once, because nobody has it in between. Throws as they do. */
export const createStoredEvent = <T extends EventType>(input: NewEvent<T>): StoredEvent => {
  const event = createEvent(input)
  return withData(event, JSON.stringify(event.data))
}

/** The event as a log keeps it, checked once more. Throws EventError EVENT_INVALID. */
export const encodeEvent = (event: Event): StoredEvent => {
  const { version, check } = newestOf(event.type)
  if (event.dataversion !== version)
    throw new EventError(
      'EVENT_VERSION_UNKNOWN',
      `${event.type} is appended in version ${version} only, this is ${event.dataversion}.`,
    )
  checkAttributes(event)
  checkData(check, event.type, version, event.data)
  return withData(event, JSON.stringify(event.data))
}

/**
 * Reads an event of any version back: parses, checks, lifts old data to the newest version and checks that.
 * Throws EventError: EVENT_TYPE_UNKNOWN or EVENT_VERSION_UNKNOWN for what a newer Tributary wrote, EVENT_NOT_JSON, EVENT_INVALID.
 */
export const decodeEvent = (stored: StoredEvent): Event => {
  const { type, dataversion } = stored
  const { version, check } = newestOf(type)
  checkAttributes(stored)
  const parsed = parse(stored)
  const data = dataversion === version ? parsed : upcast(type, dataversion, version, parsed)
  checkData(check, type, version, data)
  return withData({ ...stored, dataversion: version }, data) as Event
}

const newestOf = (type: string) => {
  const found = newest.get(type)
  if (!found) throw new EventError('EVENT_TYPE_UNKNOWN', 'The event is of a type that this version does not know.')
  return found
}

const upcast = (type: string, from: number, to: number, data: Record<string, unknown>): Record<string, unknown> => {
  let lifted = data
  for (let version = from; version !== to; version++) {
    const step = older.get(`${type} ${version}`)
    if (!step) throw new EventError('EVENT_VERSION_UNKNOWN', `${type} is known up to version ${to}, this is version ${from}.`)
    checkData(step.check, type, version, lifted)
    lifted = step.upcast(lifted)
  }
  return lifted
}

const checkData = (ofType: () => Check, type: string, version: number, data: unknown): void => {
  const check = ofType()
  if (!check(data)) throw new EventError('EVENT_INVALID', `${type} ${version} is invalid: ${explainErrors(check.errors)}.`)
}

const parse = ({ type, data }: StoredEvent): Record<string, unknown> => {
  try {
    return JSON.parse(data)
  } catch {
    // The cause is left out on purpose: V8 quotes the text in it, and the text may be about a person.
    throw new EventError('EVENT_NOT_JSON', `The data of a ${type} is not JSON.`)
  }
}

const timeText = (time: number): string => {
  const date = new Date(time)
  if (Number.isNaN(date.getTime())) throw new EventError('EVENT_INVALID', "The event's time must be milliseconds since 1970.")
  return date.toISOString()
}

/** A literal with every attribute named: extra properties stay out, and V8 keeps one shape for all events. */
const withData = <D>(from: EventAttributes, data: D): EventAttributes & { data: D } => ({
  specversion: from.specversion,
  id: from.id,
  type: from.type,
  source: from.source,
  subject: from.subject,
  time: from.time,
  datacontenttype: from.datacontenttype,
  dataversion: from.dataversion,
  partitionkey: from.partitionkey,
  ...(from.traceparent === undefined ? {} : { traceparent: from.traceparent }),
  data,
})
