/**
 * Text that utf8mb4 keeps as it is: half a surrogate pair becomes U+FFFD, as it would on the wire, and so does NUL, which
 * MySQL keeps but many a reader of its tables ends a text at.
 */
export const storableText = (text: string): string => {
  const wellFormed = text.toWellFormed()
  return wellFormed.includes('\0') ? wellFormed.replaceAll('\0', '\uFFFD') : wellFormed
}

/** The first `limit` code points of a well-formed text: what MySQL counts as characters, never half of one. */
export const cutToCodePoints = (text: string, limit: number): string => {
  if (text.length <= limit) return text
  let units = 0
  for (let points = 0; points < limit && units < text.length; points++) {
    units += (text.codePointAt(units) ?? 0) > 0xffff ? 2 : 1
  }
  return text.slice(0, units)
}

/** The longest start of a well-formed text that takes at most `limit` bytes of UTF-8, without half a code point. */
export const cutToBytes = (text: string, limit: number): string => {
  const mostBytesPerUnit = 3
  if (text.length * mostBytesPerUnit <= limit) return text
  return text.slice(0, new TextEncoder().encodeInto(text, new Uint8Array(limit)).read)
}
