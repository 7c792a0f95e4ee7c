/** The known word that a mistyped one most likely meant, when one is near enough to be worth saying. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const plain = plainly(word)
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(plain, plainly(candidate)) }))
    .sort((one, other) => one.distance - other.distance)
  const best = ranked[0]
  return best && best.distance <= Math.max(1, Math.floor(best.candidate.length / 3)) ? best.candidate : undefined
}

/** `tokenUrl`, `token_url` and `token-url` are one word in three spellings. */
const plainly = (word: string): string => word.replaceAll(/[-_.\s]/g, '').toLowerCase()

/** How many letters must be added, dropped or changed (Levenshtein). */
function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const change = (previous[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1)
      current.push(Math.min(change, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1))
    }
    previous = current
  }
  return previous[to.length] ?? 0
}
