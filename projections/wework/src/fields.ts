import type { ContactField, ContactPart } from '@tributary/events'
import type { Remark } from '@tributary/projection'
import { cutToCodePoints, storableText } from '@tributary/projection/folding'

export type Fields = ContactPart['fields']

/** A field as text; undefined when it is absent or holds fields of its own. */
export const textOf = (fields: Fields, name: string): string | undefined => {
  const value: ContactField | undefined = fields[name]
  return typeof value === 'string' ? storableText(value) : undefined
}

/** The parts of a list that WeCom joins by commas, without doubles and empty ones. */
export const listOf = (text: string | undefined): string[] =>
  [...new Set((text ?? '').split(',').map((part) => part.trim()))].filter((part) => part !== '')

/** A whole number that every reader can hold, or undefined. */
export const numberOf = (text: string | undefined): number | undefined => {
  if (text === undefined || !/^\d{1,16}$/.test(text)) return undefined
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : undefined
}

export type Cutting = { table: string; remarks: Remark[] }

/** The text as far as the column holds it, in code points; the event keeps the whole. */
export function cut({ table, remarks }: Cutting, column: string, text: string, limit: number): string {
  const kept = cutToCodePoints(text, limit)
  if (kept !== text) remarks.push({ kind: 'truncated', table, column, detail: `longer than ${limit} characters` })
  return kept
}

/** Whole parts of a list joined by commas, as many as the column holds: half an id is another person's. */
export function cutList({ table, remarks }: Cutting, column: string, text: string, limit: number): string {
  if ([...text].length <= limit) return text
  const parts = text.split(',')
  while (parts.length > 0 && [...parts.join(',')].length > limit) parts.pop()
  remarks.push({ kind: 'truncated', table, column, detail: `longer than ${limit} characters, whole parts kept` })
  return parts.join(',')
}
