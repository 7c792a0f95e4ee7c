import { ChannelError } from '@tributary/channels'
import { isRetriable, reasonOf } from '@tributary/runtime'
import { SellerUnknown } from './seller-access.ts'

/** What to do about something that did not work. `counts` is false when it was not even tried. */
export type Verdict = { kind: 'retry'; retryAfter: number; counts: boolean } | { kind: 'person' }

/** Columns that keep the reason hold this much. */
const LONGEST_REASON = 255

/** Sorts an error by what helps: time, or a person (who may also be the one to mend a bug of ours). */
export function verdictOn(error: unknown): Verdict {
  if (!isRetriable(error)) return { kind: 'person' }
  if (!(error instanceof ChannelError)) return { kind: 'retry', retryAfter: 0, counts: true }
  return { kind: 'retry', retryAfter: error.retryAfter ?? 0, counts: error.code !== 'CHANNEL_BUDGET_SPENT' }
}

/** What is not known after so many tries, over about two minutes, will not be known. */
export const TRIES_OF_UNKNOWN = 8
/** A consent may be heard before the seller's row shows it: a grant that seems to have ended is looked at again this often first. */
const TRIES_OF_ENDED_GRANT = 4

/** Whether only a person can help with what has failed `tries` times, this one included. */
export function needsPerson(error: unknown, tries: number): boolean {
  if (error instanceof ChannelError && error.code === 'CHANNEL_GRANT_REVOKED') return tries >= TRIES_OF_ENDED_GRANT
  return verdictOn(error).kind === 'person' || (error instanceof SellerUnknown && tries >= TRIES_OF_UNKNOWN)
}

/** The reason as an operator reads it, no longer than its column. */
export const storedReason = (error: unknown): string => [...reasonOf(error)].slice(0, LONGEST_REASON).join('')
