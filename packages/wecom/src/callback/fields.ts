import { SaxesParser } from 'saxes'
import { type Refused, refused } from './refusal.ts'

/**
 * A message as texts: every leaf trimmed, nothing turned into a number, because phones and ids begin with zeros. `Item`
 * is a list however many there are; another name is one when it stands more than once.
 */
export type Fields = { readonly [name: string]: FieldValue }
export type FieldValue = string | Fields | readonly FieldValue[]

type Read = { kind: 'read'; fields: Fields }

/** Far above any message of WeCom (ExtAttr nests four deep), far below what could hurt. */
const DEEPEST = 16
const MOST_ELEMENTS = 20_000
/** Always a list, so that one custom attribute looks like two. */
const LIST = 'Item'

/** Reads XML or, by its first byte, JSON. Never throws. */
export function readFields(text: string): Read | Refused {
  return /^[\s\uFEFF]*\{/.test(text) ? readJson(text) : readXml(text)
}

type Open = { name: string; text: string; children: Map<string, FieldValue[]> }

/** Strict XML without a DTD: entities of one's own, and with them all that can be done with them, do not exist. */
function readXml(text: string): Read | Refused {
  const parser = new SaxesParser({ xmlns: false, position: false })
  const path: Open[] = []
  let root: FieldValue | undefined
  let elements = 0
  const refuse = (reason: string) => {
    throw new Error(reason)
  }
  parser.on('doctype', () => refuse('a DTD'))
  parser.on('error', (error) => {
    throw error
  })
  parser.on('opentag', ({ name }) => {
    elements += 1
    if (path.length >= DEEPEST || elements > MOST_ELEMENTS) refuse('too much of it')
    path.push({ name, text: '', children: new Map() })
  })
  const addText = (more: string) => {
    const open = path.at(-1)
    if (open) open.text += more
  }
  parser.on('text', addText)
  parser.on('cdata', addText)
  parser.on('closetag', () => {
    const closed = path.pop()
    if (!closed) return
    const value = fieldValue(closed)
    const siblings = path.at(-1)?.children
    const alike = siblings?.get(closed.name)
    if (alike) alike.push(value)
    else if (siblings) siblings.set(closed.name, [value])
    else root = value
  })
  try {
    parser.write(text).close()
  } catch {
    return refused('bad_xml')
  }
  return typeof root === 'object' && !Array.isArray(root) ? { kind: 'read', fields: root as Fields } : refused('bad_xml')
}

function fieldValue({ text, children }: Open): FieldValue {
  const own = text.trim()
  if (children.size === 0) return own
  if (own !== '') throw new Error('text between elements')
  return Object.fromEntries([...children].map(([name, values]) => [name, oneOrMany(name, values)]))
}

function oneOrMany(name: string, values: readonly FieldValue[]): FieldValue {
  const [only] = values
  return name !== LIST && values.length === 1 && only !== undefined ? only : values
}

/** The third argument of a reviver is the number as it was written: ids of 64 bits stay whole. */
const asWritten = (_name: string, value: unknown, context?: { source?: string }): unknown =>
  typeof value === 'number' ? (context?.source ?? String(value)) : value

function readJson(text: string): Read | Refused {
  try {
    const value: unknown = JSON.parse(text.replace(/^\uFEFF/, ''), asWritten)
    const fields = fieldOf(value, '', 0)
    if (typeof fields === 'object' && !Array.isArray(fields)) return { kind: 'read', fields: fields as Fields }
  } catch {
    // Said below.
  }
  return refused('bad_json')
}

function fieldOf(value: unknown, name: string, depth: number): FieldValue {
  if (depth > DEEPEST) throw new Error('too deep')
  if (Array.isArray(value)) return value.map((item) => fieldOf(item, '', depth + 1))
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, item]) => [key, fieldOf(item, key, depth + 1)] as const)
    return name === LIST ? [Object.fromEntries(entries)] : Object.fromEntries(entries)
  }
  return value === null ? '' : String(value).trim()
}

/** The text of a field at the top, undefined when it is absent or no text. Does not look into the prototype. */
export function textOf(fields: Fields, name: string): string | undefined {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined
  return typeof value === 'string' ? value : undefined
}
