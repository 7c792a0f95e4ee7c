import { randomUUID } from 'node:crypto'
import type { Database } from '@tributary/database'
import type { Vault } from './port.ts'

/** A value and when it was given, milliseconds since 1970 by the clock of whoever gave it. */
export type Setting = { value: string; time: number }

/**
 * What others tell us in confidence (tickets, codes, tokens) and what must never stand in the log. Each is sealed under a
 * data key, bound to its name, so that a change of the master key leaves it readable. Every call throws DatabaseError.
 */
export type Settings = {
  /** Keeps a value under a name of at most 255 characters, unless a newer one is there. Answers whether it did. */
  put(name: string, setting: Setting): Promise<boolean>
  /** Undefined when there is none. Throws VaultError when it was tampered with. */
  get(name: string): Promise<Setting | undefined>
  /** The names that begin so, oldest first, at most 1,000. */
  names(prefix: string): Promise<string[]>
  remove(name: string): Promise<void>
}

const MOST_NAMES = 1_000
const KIND = 'setting'

export function openSettings({ database, vault }: { database: Database; vault: Vault }): Settings {
  const subject = vault.subject(KIND, KIND)
  return {
    async put(name, { value, time }) {
      const eventId = randomUUID()
      const [outcome] = await vault.seal([{ subject, eventId: bound(name, eventId), plaintext: value }])
      if (outcome?.kind !== 'sealed') throw new TypeError('The key of the settings is gone, which nobody may destroy.')
      await database.query(
        `INSERT INTO tributary_setting (name, sealed, event_id, setting_time) VALUES (?, ?, ?, ?)
         ON DUPLICATE KEY UPDATE sealed = IF(VALUES(setting_time) >= setting_time, VALUES(sealed), sealed),
           event_id = IF(VALUES(setting_time) >= setting_time, VALUES(event_id), event_id),
           setting_time = GREATEST(setting_time, VALUES(setting_time))`,
        [name, outcome.jwe, eventId, time],
      )
      const [kept] = await database.query<{ event_id: string }[]>('SELECT event_id FROM tributary_setting WHERE name = ?', [
        name,
      ])
      return kept?.event_id === eventId
    },
    async get(name) {
      const [row] = await database.query<{ sealed: string; event_id: string; setting_time: number }[]>(
        'SELECT sealed, event_id, setting_time FROM tributary_setting WHERE name = ?',
        [name],
      )
      if (!row) return undefined
      const [opened] = await vault.open([{ subject, eventId: bound(name, row.event_id), jwe: row.sealed }])
      return opened?.kind === 'opened' ? { value: opened.plaintext, time: row.setting_time } : undefined
    },
    async names(prefix) {
      const rows = await database.query<{ name: string }[]>(
        'SELECT name FROM tributary_setting WHERE LEFT(name, CHAR_LENGTH(?)) = ? ORDER BY setting_time, name LIMIT ?',
        [prefix, prefix, MOST_NAMES],
      )
      return rows.map(({ name }) => name)
    },
    async remove(name) {
      await database.query('DELETE FROM tributary_setting WHERE name = ?', [name])
    },
  }
}

/** A sealed value that is moved to another name, or an old one put back, does not open. */
const bound = (name: string, eventId: string): string => `${eventId} ${name}`
