import { hash } from 'node:crypto'
import { DatabaseError, withNamedLock } from '@tributary/database'
import { pause } from '@tributary/runtime'
import type { KeptToken, TokenStore } from '@tributary/wecom'
import type { SyncContext } from './context.ts'

/** A lock whose holder says nothing for so long is free again, seconds. A call for a token ends long before. */
const LOCK_SECONDS = 120
/** Between looks whether the other process has brought the token, milliseconds. */
const LOOK_AGAIN = 200

/**
 * Access tokens in the vault's settings, one fetched at a time by all processes together. Within a process callers share
 * one flight; between processes the database's own lock decides, which dies with its holder.
 */
export function createTokenStore({ database, settings }: Pick<SyncContext, 'database' | 'settings'>): TokenStore {
  const flights = new Map<string, Promise<unknown>>()
  return {
    async read(name) {
      const kept = await settings.get(name)
      return kept && kept.value !== '' ? (JSON.parse(kept.value) as KeptToken) : undefined
    },
    async write(name, kept) {
      await settings.put(name, { value: JSON.stringify(kept), time: Date.now() })
    },
    async forget(name, token) {
      const kept = await settings.get(name)
      if (kept && kept.value !== '' && (JSON.parse(kept.value) as KeptToken).token === token) await settings.remove(name)
    },
    async exclusively<T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
      // Whoever comes second runs `work` for itself, which finds what the first has brought.
      await flights.get(name)?.catch(() => {})
      const flight = underLock(name, signal, work)
      flights.set(name, flight)
      try {
        return await flight
      } finally {
        if (flights.get(name) === flight) flights.delete(name)
      }
    },
  }

  async function underLock<T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const lock = `token-${hash('sha256', name, 'hex').slice(0, 12)}`
    for (;;) {
      signal.throwIfAborted()
      try {
        return await withNamedLock(database, { name: lock, idleSeconds: LOCK_SECONDS }, work)
      } catch (error) {
        if (!(error instanceof DatabaseError) || error.code !== 'DATABASE_LOCK_TIMEOUT') throw error
      }
      await pause(LOOK_AGAIN, signal)
    }
  }
}
