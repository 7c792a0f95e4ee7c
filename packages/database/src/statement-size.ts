/** Room that a number, NULL, a quote or a comma takes in a statement, in bytes. */
const SMALL = 24

/**
 * At most how many bytes `value` takes in a statement's text: three for each UTF-16 unit covers the longest characters
 * and the backslash before a quote; a Buffer is written as hex.
 */
export function boundOfBytes(value: unknown): number {
  if (typeof value === 'string') return value.length * 3 + SMALL
  if (Buffer.isBuffer(value)) return value.length * 2 + SMALL
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + boundOfBytes(item), SMALL)
  return SMALL
}

/** At least how many bytes a statement has. */
export function leastBytes(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  if (Buffer.isBuffer(value)) return value.length * 2
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + leastBytes(item), 0)
  return 1
}
