import type { Static, TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { ChannelError } from '../port.ts'

/**
 * Checks the shape of an answer. `from` names the marketplace to people, `what` the call. Throws CHANNEL_ANSWER_UNREADABLE,
 * which names paths and never values: they may be tokens or personal data.
 */
export function checkShape<T extends TSchema>(
  schema: T,
  value: unknown,
  { from, what }: { from: string; what: string },
): Static<T> {
  if (Value.Check(schema, value)) return value
  const where = Value.Errors(schema, value).map((error) => `${error.instancePath || '/'} ${error.message}`)
  const message = `${from}'s answer to ${what} has another shape: ${where.slice(0, 3).join('; ')}`
  throw new ChannelError('CHANNEL_ANSWER_UNREADABLE', message, { remedy: 'bug' })
}
