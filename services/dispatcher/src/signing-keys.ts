import { type OpenedKey, type SigningKey, signingKey, signsAt } from '@tributary/delivery'

/** What an endpoint has to sign with: keys of ours, and the secret that its owner keeps, which stands `where`. */
export type KeySources = { name: string; ours: readonly OpenedKey[]; given: string; where: string }

/**
 * The keys that sign for an endpoint at `now` (milliseconds since 1970), the newest first: those of ours that are valid, or,
 * as long as there never was one, the secret that its owner keeps. Else what an operator must do.
 */
export function signersOf(
  { name, ours, given, where }: KeySources,
  now: number,
): { keys: readonly SigningKey[] } | { problem: string } {
  const make = `tributary endpoint rotate-secret ${name}`
  if (ours.length === 0) {
    const made = signingKey(given)
    return made.kind === 'key' ? { keys: [made.key] } : { problem: `${made.problem} See ${where}, or: ${make}` }
  }
  const valid = ours.filter((key) => signsAt(key, now))
  if (valid.length === 0) return { problem: `Every key of the endpoint has ended. Make a new one: ${make}` }
  const keys: SigningKey[] = []
  for (const { id, secret } of valid) {
    // To leave it out would look to the receiver as if it had been revoked.
    if (secret.kind !== 'key') return { problem: `Key ${id} of the endpoint cannot be used. ${secret.problem}` }
    keys.push(secret.key)
  }
  return { keys }
}
