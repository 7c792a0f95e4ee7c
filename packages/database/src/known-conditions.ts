/** A condition of WHERE with one placeholder, and its value; undefined says that nothing is asked. */
export type Condition = readonly [text: string, value: unknown]

/** Those conditions of which the value is known, joined for WHERE with their values; `TRUE` when none is. */
export function knownConditions(conditions: readonly Condition[]): { text: string; values: unknown[] } {
  const known = conditions.filter(([, value]) => value !== undefined)
  return { text: known.map(([text]) => text).join(' AND ') || 'TRUE', values: known.map(([, value]) => value) }
}
