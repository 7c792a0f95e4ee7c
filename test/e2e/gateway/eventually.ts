import { waitFor } from '../../servers/index.ts'

/** Longer than anything takes on a machine that has much else to do; what is broken is told after this. */
const PATIENCE = 30_000

/**
 * Looks until the answer is neither undefined nor false, and answers it. A look that throws counts as not yet, because
 * what is looked at may be away for a while; its error is told when patience ends.
 */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  patience = PATIENCE,
): Promise<T> {
  let found: T | undefined
  let trouble: unknown
  const isThere = async () => {
    try {
      const answer = await look()
      trouble = undefined
      if (answer === undefined || answer === false) return false
      found = answer
      return true
    } catch (error) {
      trouble = error
      return false
    }
  }
  await waitFor(isThere, {
    patience,
    message: () => `Not within ${patience / 1000} s: ${what}${trouble === undefined ? '' : ` (${String(trouble)})`}`,
  })
  return found as T
}
