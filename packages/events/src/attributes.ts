import type { EventAttributes } from './envelope.ts'
import { EventError } from './errors.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
/** W3C Trace Context, version 00: neither the trace nor the span may be all zeros. */
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/
/** RFC 3986 characters; CloudEvents wants a URI-reference, and `/tributary/...` is all we write. */
const URI_REFERENCE = /^[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]{1,255}$/
/** CloudEvents 1.0 §3.1 "String": no control characters, no halves of surrogate pairs, no Unicode noncharacters. */
const FORBIDDEN = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u

const text = (value: unknown, longest: number): boolean =>
  typeof value === 'string' && value.length > 0 && value.length <= longest && !FORBIDDEN.test(value)

const matches = (value: unknown, pattern: RegExp): boolean => typeof value === 'string' && pattern.test(value)

const isTime = (value: unknown): boolean => typeof value === 'string' && TIME.test(value) && !Number.isNaN(Date.parse(value))

/** The rule of each attribute: CloudEvents 1.0, and where it leaves room, what our logs can keep and index. */
const RULES: readonly [keyof EventAttributes, string, (value: unknown) => boolean][] = [
  ['specversion', "must be '1.0'", (value) => value === '1.0'],
  ['id', 'must be a lower-case UUID', (value) => matches(value, UUID)],
  ['type', 'must be text of 1 to 64 characters', (value) => text(value, 64)],
  ['source', 'must be a URI reference of 1 to 255 characters', (value) => matches(value, URI_REFERENCE)],
  ['subject', 'must be text of 1 to 512 characters without control characters', (value) => text(value, 512)],
  ['time', 'must be RFC 3339 in UTC with milliseconds', isTime],
  ['datacontenttype', "must be 'application/json'", (value) => value === 'application/json'],
  ['dataversion', 'must be a whole number from 1', (value) => Number.isInteger(value) && Number(value) >= 1],
  ['partitionkey', 'must be text of 1 to 255 characters without control characters', (value) => text(value, 255)],
  ['traceparent', 'must be a W3C traceparent', (value) => value === undefined || matches(value, TRACEPARENT)],
]

/** Throws EventError EVENT_INVALID, naming the attribute and its rule but not its value, when one is not as it must be. */
export const checkAttributes = (attributes: EventAttributes): void => {
  for (const [name, rule, holds] of RULES)
    if (!holds(attributes[name])) throw new EventError('EVENT_INVALID', `The event's attribute '${name}' ${rule}.`)
}
