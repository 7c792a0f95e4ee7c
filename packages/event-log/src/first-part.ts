/** The first items whose sizes together stay within `most`; at least one. What does not fit one request goes in several. */
export function firstPart<T>(items: readonly T[], sizeOf: (item: T) => number, most: number): T[] {
  let size = 0
  const over = items.findIndex((item, index) => {
    size += sizeOf(item)
    return index > 0 && size > most
  })
  return items.slice(0, over === -1 ? items.length : over)
}
