/**
 * Cuts JSON text without changing it. `JSON.stringify(JSON.parse(text))` is not the identity (numbers such as `1.0`, escapes,
 * key order, spaces), and an order is kept as the marketplace wrote it. Text that is no JSON is a SyntaxError where it keeps us
 * from cutting, and may be cut anyhow where it does not.
 */

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPENING_BRACKET = 0x5b
const CLOSING_BRACKET = 0x5d
const OPENING_BRACE = 0x7b
const CLOSING_BRACE = 0x7d

type Span = { start: number; end: number }

/** The texts of the elements of an array that is a member of the outermost object; empty when there is no such array. */
export function elementTexts(text: string, member: string): string[] {
  const list = memberSpan(text, member)
  return list ? elementSpans(text, list).map(({ start, end }) => text.slice(start, end)) : []
}

/** The text of the value of a member of the outermost object; undefined when there is none. */
export function memberText(text: string, member: string): string | undefined {
  const span = memberSpan(text, member)
  return span && text.slice(span.start, span.end)
}

/**
 * What `parseExactly` gives, with each element of an array that is a member of the outermost object apart: as it was written,
 * and as a value. In `rest` the array is empty. Nothing is parsed twice. Throws SyntaxError when the text is no JSON.
 *
 * It is cut as bytes, because one letter beyond Latin-1 makes a string twice as large and slow to parse, and an element without
 * such letters should not pay for the others.
 */
export function parseList(bytes: Buffer, member: string): { rest: unknown; elements: { text: string; value: unknown }[] } {
  // A character for each byte. What cuts JSON is ASCII, which UTF-8 has in no other character.
  const flat = bytes.toString('latin1')
  const list = memberSpan(flat, member)
  if (!list || flat[list.start] !== '[') return { rest: parseExactly(bytes.toString()), elements: [] }
  const elements = elementSpans(flat, list).map(({ start, end }) => {
    const element = bytes.toString('utf8', start, end)
    return { text: element, value: parseExactly(element) }
  })
  return { rest: parseExactly(`${bytes.toString('utf8', 0, list.start)}[]${bytes.toString('utf8', list.end)}`), elements }
}

/** Where the elements of an array stand, none in a value that is no array. */
function elementSpans(text: string, list: Span): Span[] {
  if (text[list.start] !== '[') return []
  const elements: Span[] = []
  let at = skipSpace(text, list.start + 1)
  while (text[at] !== ']') {
    const end = valueEnd(text, at)
    elements.push({ start: at, end })
    at = skipSpace(text, end)
    if (text[at] === ']') break
    if (text[at] !== ',') throw new SyntaxError('The elements of a list are not parted by commas.')
    at = skipSpace(text, at + 1)
    if (text[at] === ']') throw new SyntaxError('A list ends with a comma.')
  }
  return elements
}

/** Where the value of a member stands. Of repeated members the last counts, as for `JSON.parse`. */
function memberSpan(text: string, member: string): Span | undefined {
  let found: Span | undefined
  let at = skipSpace(text, 0)
  if (text[at] !== '{') return undefined
  at = skipSpace(text, at + 1)
  while (text[at] !== '}') {
    const keyEnd = stringEnd(text, at)
    const start = skipSpace(text, skipSpace(text, keyEnd) + 1)
    const end = valueEnd(text, start)
    if (JSON.parse(text.slice(at, keyEnd)) === member) found = { start, end }
    at = skipSpace(text, end)
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
  if (at === start) throw new SyntaxError('A value is missing.')
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
    else if (at >= text.length) throw new SyntaxError('An object or a list does not end.')
    at += 1
  } while (depth > 0)
  return at
}

/** The native search for a quote, then whether a backslash stands before it: most of an order is inside quotes. */
function stringEnd(text: string, start: number): number {
  let quote = start
  do {
    quote = text.indexOf('"', quote + 1)
    if (quote < 0) throw new SyntaxError('A text does not end.')
  } while (isEscaped(text, quote))
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
