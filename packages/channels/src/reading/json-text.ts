/**
 * Cuts JSON text without changing it. `JSON.stringify(JSON.parse(text))` is not the identity (numbers such as `1.0`, escapes,
 * key order, spaces), and an order is kept as the marketplace wrote it. Every function expects text that `JSON.parse` accepts.
 */

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPENING_BRACKET = 0x5b
const CLOSING_BRACKET = 0x5d
const OPENING_BRACE = 0x7b
const CLOSING_BRACE = 0x7d

/** The texts of the elements of an array that is a member of the outermost object; empty when there is no such array. */
export function elementTexts(text: string, member: string): string[] {
  const start = memberStart(text, member)
  if (start === undefined || text[start] !== '[') return []
  const elements: string[] = []
  let at = skipSpace(text, start + 1)
  while (text[at] !== ']') {
    const end = valueEnd(text, at)
    elements.push(text.slice(at, end))
    at = skipSpace(text, end)
    if (text[at] === ',') at = skipSpace(text, at + 1)
  }
  return elements
}

/** The text of the value of a member of the outermost object; undefined when there is none. */
export function memberText(text: string, member: string): string | undefined {
  const start = memberStart(text, member)
  return start === undefined ? undefined : text.slice(start, valueEnd(text, start))
}

/** Where the value of a member begins. Of repeated members the last counts, as for `JSON.parse`. */
function memberStart(text: string, member: string): number | undefined {
  let found: number | undefined
  let at = skipSpace(text, 0)
  if (text[at] !== '{') return undefined
  at = skipSpace(text, at + 1)
  while (text[at] !== '}') {
    const keyEnd = stringEnd(text, at)
    const start = skipSpace(text, skipSpace(text, keyEnd) + 1)
    if (JSON.parse(text.slice(at, keyEnd)) === member) found = start
    at = skipSpace(text, valueEnd(text, start))
    if (text[at] === ',') at = skipSpace(text, at + 1)
  }
  return found
}

function valueEnd(text: string, start: number): number {
  const first = text.charCodeAt(start)
  if (first === QUOTE) return stringEnd(text, start)
  if (first === OPENING_BRACE || first === OPENING_BRACKET) return nestedEnd(text, start)
  let at = start
  while (at < text.length && !/[\s,\]}]/.test(text.charAt(at))) at += 1
  return at
}

function nestedEnd(text: string, start: number): number {
  let depth = 0
  let at = start
  do {
    const character = text.charCodeAt(at)
    if (character === QUOTE) {
      at = stringEnd(text, at)
      continue
    }
    if (character === OPENING_BRACE || character === OPENING_BRACKET) depth += 1
    else if (character === CLOSING_BRACE || character === CLOSING_BRACKET) depth -= 1
    at += 1
  } while (depth > 0)
  return at
}

/** The native search for a quote, then whether a backslash stands before it: most of an order is inside quotes. */
function stringEnd(text: string, start: number): number {
  let quote = text.indexOf('"', start + 1)
  while (isEscaped(text, quote)) quote = text.indexOf('"', quote + 1)
  return quote + 1
}

function isEscaped(text: string, quote: number): boolean {
  let backslashes = 0
  while (text.charCodeAt(quote - 1 - backslashes) === BACKSLASH) backslashes += 1
  return backslashes % 2 === 1
}

function skipSpace(text: string, start: number): number {
  let at = start
  while (at < text.length && ' \t\n\r'.includes(text.charAt(at))) at += 1
  return at
}

/** `parseExactly`, and undefined for text that is no JSON. */
export function parseIfJson(text: string): unknown {
  try {
    return parseExactly(text)
  } catch {
    return undefined
  }
}

/** The members of a JSON object, numbers as they are in JavaScript; undefined for any other text. */
export function membersOf(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** Longer runs of digits stay numbers: no id has so many, and converting them costs more the longer they are. */
const LONGEST_INTEGER = 40

/**
 * A number with that many digits before any point: what a number can stand behind is known, and a quote is not among it.
 * Text inside quotes may look so, too, and then only costs time.
 */
const LONG_NUMBER = /(?:^|[[:,\s])-?\d{16}/

/**
 * `JSON.parse`, except that whole numbers beyond 2^53 become bigints, which keep every digit: ids have come as numbers. To
 * look at every value makes parsing several times as slow, so it is done only where there is such a number.
 */
export function parseExactly(text: string): unknown {
  if (!LONG_NUMBER.test(text)) return JSON.parse(text)
  const exact = (_key: string, value: unknown, context: { source?: string }): unknown => {
    if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
    const source = context.source ?? ''
    return /^-?\d+$/.test(source) && source.length <= LONGEST_INTEGER ? BigInt(source) : value
  }
  // The third argument is part of ECMAScript 2026 and Node 24; the type library of ES2024 does not know it yet.
  return JSON.parse(text, exact as (key: string, value: unknown) => unknown)
}
