/** Room that a number, NULL, a quote or a comma takes in a statement, in bytes. */
const SMALL = 24

/**
 * At most how many bytes `value` takes in a statement's text: three for each UTF-16 unit covers the longest characters
 * and the backslash before a quote; a Buffer is written as hex.
 */
export function mostBytes(value: unknown): number {
  if (typeof value === 'string') return value.length * 3 + SMALL
  if (Buffer.isBuffer(value)) return value.length * 2 + SMALL
  return Array.isArray(value) ? sum(value, mostBytes) + SMALL : SMALL
}

/** At least how many bytes it takes. */
export function leastBytes(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  if (Buffer.isBuffer(value)) return value.length * 2
  return Array.isArray(value) ? sum(value, leastBytes) : 0
}

function sum(values: readonly unknown[], size: (value: unknown) => number): number {
  let bytes = 0
  for (const value of values) bytes += size(value)
  return bytes
}
