import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Database, WriteResult } from '@tributary/database'

/** A consent page is left open over a coffee, not over a night. */
export const STATE_LIFETIME = 10 * 60_000
/** Used and expired states are kept a day, so that a late reader learns what happened. */
const KEPT_AFTER = 24 * 60 * 60_000
const REMOVED_AT_ONCE = 100

/** What a seller was asked to consent to. `spiCodes` is null when the link named none. */
export type Intent = { channel: number; appId: number; spiCodes: readonly string[] | null }

export type Claim = { kind: 'claimed'; intent: Intent } | Refusal
/** Why a state may not be used. */
export type Refusal = { kind: 'used' | 'expired' | 'other-browser'; intent: Intent } | { kind: 'unknown' }

/** The states of consents under way. Only hashes are stored: who reads the table cannot finish a consent. */
export type States = {
  /** Notes an intent and answers the state that stands for it: 32 random bytes. */
  create(intent: Intent, browser: string): Promise<string>
  /** Uses a state up, once, in the browser that began it and within its time; else says what is wrong with it. */
  claim(channel: number, state: string, browser: string | undefined): Promise<Claim>
}

type Row = { app_id: number; spi_codes: string | null; browser_hash: Buffer; expires_time: number }

/** States in `tributary_oauth_state`. */
export function createStates(database: Database): States {
  return {
    async create({ channel, appId, spiCodes }, browser) {
      const state = randomBytes(32).toString('base64url')
      const now = Date.now()
      await database.query('DELETE FROM tributary_oauth_state WHERE expires_time < ? LIMIT ?', [
        now - KEPT_AFTER,
        REMOVED_AT_ONCE,
      ])
      await database.query(
        'INSERT INTO tributary_oauth_state (state_hash, channel, app_id, spi_codes, browser_hash, expires_time) VALUES (?, ?, ?, ?, ?, ?)',
        [sha256(state), channel, appId, spiCodes?.join(',') ?? null, sha256(browser), now + STATE_LIFETIME],
      )
      return state
    },

    async claim(channel, state, browser) {
      const [row] = await database.query<Row[]>(
        'SELECT app_id, spi_codes, browser_hash, expires_time FROM tributary_oauth_state WHERE state_hash = ? AND channel = ?',
        [sha256(state), channel],
      )
      if (!row) return { kind: 'unknown' }
      const intent = { channel, appId: row.app_id, spiCodes: row.spi_codes?.split(',') ?? null }
      if (!timingSafeEqual(row.browser_hash, sha256(browser ?? ''))) return { kind: 'other-browser', intent }
      const now = Date.now()
      if (row.expires_time <= now) return { kind: 'expired', intent }
      // Of all requests that ever come this far, one changes the row.
      const { affectedRows } = await database.query<WriteResult>(
        'UPDATE tributary_oauth_state SET used_time = ? WHERE state_hash = ? AND used_time = 0',
        [now, sha256(state)],
      )
      return { kind: affectedRows === 1 ? 'claimed' : 'used', intent }
    },
  }
}

const sha256 = (text: string): Buffer => hash('sha256', text, 'buffer')
