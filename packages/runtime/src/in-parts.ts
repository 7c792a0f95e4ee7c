/** A list in parts of at most `size`, in its order; no part of an empty list. */
export function* inParts<T>(list: readonly T[], size: number): Generator<readonly T[]> {
  for (let start = 0; start < list.length; start += size) yield list.slice(start, start + size)
}
