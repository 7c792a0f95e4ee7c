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

/** What a prepared statement sends with a value, at most: its type, its length, and that it is none. */
const BESIDE_A_VALUE = 12

/** How many bytes the values of a prepared statement take when they are sent, rather a little more than less. */
export const preparedBytes = (values: readonly unknown[]): number => leastBytes(values) + values.length * BESIDE_A_VALUE

/** At least how many bytes it takes. */
export function leastBytes(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  if (Buffer.isBuffer(value)) return value.length * 2
  if (Array.isArray(value)) return value.reduce<number>((bytes, one) => bytes + leastBytes(one), 0)
  return isRowsText(value) ? value.bytes : 0
}
