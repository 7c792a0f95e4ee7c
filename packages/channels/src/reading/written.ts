/** A parsed value as JSON, bigints as text; undefined for what nests deeper than `JSON.stringify` can write, which parsing could read. */
export function writtenJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part))
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}
