import { isRowsText } from './row-texts.ts'

/** Room that a number, NULL, a quote or a comma takes in a statement, in bytes. */
const SMALL = 24

/**
 * At most how many bytes `value` takes in a statement's text: three for each UTF-16 unit covers the longest characters
 * and the backslash before a quote; a Buffer is written as hex.
 */
export function mostBytes(value: unknown): number {
  if (typeof value === 'string') return value.length * 3 + SMALL
  if (Buffer.isBuffer(value)) return value.length * 2 + SMALL
  if (!Array.isArray(value)) return isRowsText(value) ? value.bytes : SMALL
  // A loop of its own: a prepared statement has ten thousand values.
  let bytes = SMALL
  for (const one of value) bytes += mostBytes(one)
  return bytes
}

/** At least how many bytes it takes. */
export function leastBytes(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  if (Buffer.isBuffer(value)) return value.length * 2
  if (Array.isArray(value)) return value.reduce<number>((bytes, one) => bytes + leastBytes(one), 0)
  return isRowsText(value) ? value.bytes : 0
}
