import type { FieldProblem } from '@tributary/events'

/** A value inside an order and where it stands, for example `lineItems[3].quantity`. */
export type Field = { readonly value: unknown; readonly path: string }

/**
 * Reads fields that may have any type. What can be made sense of is taken, the rest is left out, and every departure from
 * what the marketplace documents becomes a problem that names the path and never the value.
 */
export type FieldReader = {
  readonly problems: FieldProblem[]
  report(path: string, problem: string): void
  /** A member of an object; undefined inside when the object is missing or none. */
  member(parent: Field, key: string): Field
  /** The elements of a list; none when it is missing or no list. */
  elements(field: Field): Field[]
  /** Text that says something; undefined when missing, empty, or nothing that can be read as text. */
  text(field: Field): string | undefined
  /** Text about a person: undefined also when the marketplace shows a mask in place of it. */
  personal(field: Field): string | undefined
  /** A whole number from 0 to what the column holds; undefined when it is missing or none. */
  count(field: Field): number | undefined
  /** Milliseconds since 1970 of an ISO 8601 time; 0 when it is missing or none. */
  time(field: Field): number
}

/** An order with a thousand broken lines says no more than one with fifty. */
const MOST_PROBLEMS = 50
const LARGEST_COUNT = 2_147_483_647
const ISO_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})$/
/** Three or more stars or dots in a row, or nothing but x: no name, phone or address has that, a masked one does. */
const MASK = /[*•●]{3,}|^\s*x{3,}\s*$/i

/** The last moment that a date can name, milliseconds since 1970. */
const LAST_MOMENT = 8_640_000_000_000_000

/** Milliseconds since 1970 that a date can name; 0 for any other number. */
export const momentOrNone = (value: number): number =>
  Number.isInteger(value) && value >= 0 && value <= LAST_MOMENT ? value : 0

export function createFieldReader(): FieldReader {
  const problems: FieldProblem[] = []
  const seen = new Set<string>()

  function report(path: string, problem: string): void {
    const entry = `${path} ${problem}`
    if (seen.has(entry) || problems.length > MOST_PROBLEMS) return
    seen.add(entry)
    problems.push(
      problems.length < MOST_PROBLEMS ? { field: path, problem } : { field: '', problem: 'more problems than listed' },
    )
  }

  function member(parent: Field, key: string): Field {
    const path = parent.path === '' ? key : `${parent.path}.${key}`
    if (parent.value === undefined) return { value: undefined, path }
    if (isRecord(parent.value)) return { value: Object.hasOwn(parent.value, key) ? parent.value[key] : undefined, path }
    report(parent.path, `${kindOf(parent.value)} where an object was expected`)
    return { value: undefined, path }
  }

  function elements(field: Field): Field[] {
    if (Array.isArray(field.value))
      return field.value.map((value: unknown, index) => ({ value, path: `${field.path}[${index}]` }))
    if (field.value !== undefined) report(field.path, `${kindOf(field.value)} where a list was expected`)
    return []
  }

  function text(field: Field): string | undefined {
    if (field.value === undefined) return undefined
    if (typeof field.value !== 'string') report(field.path, `${kindOf(field.value)} where text was expected`)
    if (field.value === null || typeof field.value === 'object') return undefined
    const value = String(field.value)
    if (value.trim() === '') return undefined
    if (value.isWellFormed()) return value
    report(field.path, 'half of a surrogate pair, replaced by U+FFFD')
    return value.toWellFormed()
  }

  function personal(field: Field): string | undefined {
    const value = text(field)
    return value === undefined || MASK.test(value) ? undefined : value
  }

  function count(field: Field): number | undefined {
    if (field.value === undefined) return undefined
    const value = typeof field.value === 'string' && /^\d{1,10}$/.test(field.value) ? Number(field.value) : field.value
    if (typeof field.value !== 'number') report(field.path, `${kindOf(field.value)} where a whole number was expected`)
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= LARGEST_COUNT) return value
    if (typeof field.value === 'number') report(field.path, 'no whole number from 0 to 2147483647')
    return undefined
  }

  function time(field: Field): number {
    const value = text(field)
    const milliseconds = value !== undefined && ISO_TIME.test(value) ? Date.parse(value) : Number.NaN
    if (milliseconds >= 0) return milliseconds
    report(field.path, value === undefined ? 'missing' : 'no ISO 8601 time since 1970')
    return 0
  }

  return { problems, report, member, elements, text, personal, count, time }
}

type Known<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

/** Leaves out what is not known: an absent value erases nothing, an empty one would. */
export function known<T extends Record<string, string | undefined>>(values: T): Known<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Known<T>
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  if (typeof value === 'string') return 'text'
  return typeof value === 'boolean' ? 'true or false' : 'a number'
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
