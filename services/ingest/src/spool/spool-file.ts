import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { asSpoolError, SpoolError } from './errors.ts'

/** Something received, sealed. `identity` is the same for the same thing, and tells nothing about it. */
export type NewEntry = { identity: string; kind: string; sealed: string; receivedTime: number }
export type Entry = NewEntry & { id: number }
/** An entry that could not be kept though everything was well. Times in milliseconds since 1970. */
export type SetAside = { id: number; kind: string; receivedTime: number; setAsideTime: number; reason: string }

export type SpoolFigures = {
  /** Entries that wait, and bytes of them. */
  waiting: number
  bytes: number
  /** When the first of them was received, milliseconds since 1970. */
  oldestTime: number | null
  setAside: number
}

/** The file of a spool, in SQLite. Every call is synchronous and throws SpoolError. */
export type SpoolFile = {
  /** Keeps entries durably, all or none; one whose identity is there is not kept again. Throws SPOOL_FULL. */
  put(entries: readonly NewEntry[]): void
  isEmpty(): boolean
  /** The first entries that wait, in the order in which they came, at most `limit` and about `maxBytes`, but at least one. */
  first(limit: number, maxBytes: number): Entry[]
  /** Forgets entries that are kept elsewhere. */
  remove(ids: readonly number[]): void
  setAside(id: number, reason: string): void
  listSetAside(): SetAside[]
  /** Has entries that were set aside wait again, before all that came later; every one unless `id` names one. Answers how many. */
  retry(id?: number): number
  figures(): SpoolFigures
  close(): void
}

const PAGE_BYTES = 4096
const LONGEST_REASON = 500
/** Commands of operators have the file for moments only. */
const BUSY_TIMEOUT = 2_000

/** Totals stand apart: to count half a million entries takes 0.15 s, in which nobody is answered. */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS entry (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    identity TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    sealed TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    received_time INTEGER NOT NULL,
    set_aside_time INTEGER,
    reason TEXT
  ) STRICT;
  CREATE INDEX IF NOT EXISTS waiting ON entry (id, bytes) WHERE set_aside_time IS NULL;
  CREATE INDEX IF NOT EXISTS set_aside ON entry (id) WHERE set_aside_time IS NOT NULL;

  CREATE TABLE IF NOT EXISTS total (waiting INTEGER NOT NULL, bytes INTEGER NOT NULL, set_aside INTEGER NOT NULL) STRICT;
  INSERT INTO total SELECT 0, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM total);
  CREATE TRIGGER IF NOT EXISTS added AFTER INSERT ON entry BEGIN
    UPDATE total SET waiting = waiting + 1, bytes = bytes + NEW.bytes;
  END;
  CREATE TRIGGER IF NOT EXISTS removed AFTER DELETE ON entry BEGIN
    UPDATE total SET waiting = waiting - 1, bytes = bytes - OLD.bytes;
  END;
  CREATE TRIGGER IF NOT EXISTS aside AFTER UPDATE OF set_aside_time ON entry
  WHEN OLD.set_aside_time IS NULL AND NEW.set_aside_time IS NOT NULL BEGIN
    UPDATE total SET waiting = waiting - 1, bytes = bytes - OLD.bytes, set_aside = set_aside + 1;
  END;
  CREATE TRIGGER IF NOT EXISTS retried AFTER UPDATE OF set_aside_time ON entry
  WHEN OLD.set_aside_time IS NOT NULL AND NEW.set_aside_time IS NULL BEGIN
    UPDATE total SET waiting = waiting + 1, bytes = bytes + OLD.bytes, set_aside = set_aside - 1;
  END;
`

/**
 * Opens the spool of a folder, and makes it when it is not there. A commit is on the disk when it returns (WAL, synchronous).
 * SQLite itself keeps the file within `maxBytes`; its write-ahead log adds some 4 MB. What is removed is overwritten: it was
 * sealed under the master key, which no erasure destroys. Throws SpoolError.
 */
export function openSpoolFile(folder: string, options: { maxBytes?: number } = {}): SpoolFile {
  const file = join(folder, 'spool.sqlite')
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT })
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON')
    database.exec(SCHEMA)
    if (options.maxBytes !== undefined) database.exec(`PRAGMA max_page_count = ${Math.floor(options.maxBytes / PAGE_BYTES)}`)
    return operations(database, file)
  } catch (error) {
    throw asSpoolError(error, file)
  }
}

function operations(database: DatabaseSync, file: string): SpoolFile {
  const statements = prepare(database)
  const isEmpty = () => statements.anyone.get() === undefined

  function call<T>(work: () => T): T {
    if (!database.isOpen) throw new SpoolError('SPOOL_UNUSABLE', 'The spool is closed.', { retriable: true })
    try {
      return work()
    } catch (error) {
      throw asSpoolError(error, file)
    }
  }
  const transaction = (work: () => void) => call(() => inTransaction(database, work))

  return {
    put: (entries) =>
      transaction(() => {
        for (const { identity, kind, sealed, receivedTime } of entries)
          statements.insert.run(identity, kind, sealed, Buffer.byteLength(sealed), receivedTime)
      }),
    isEmpty: () => call(isEmpty),
    first: (limit, maxBytes) =>
      call(() => {
        const sizes = statements.sizes.all(limit) as { id: number; bytes: number }[]
        return statements.upTo.all(lastWithin(sizes, maxBytes)) as Entry[]
      }),
    remove(ids) {
      transaction(() => {
        for (const id of ids) statements.remove.run(id)
      })
      // Copies of what is gone must not stay in the write-ahead log either.
      call(() => isEmpty() && database.exec('PRAGMA wal_checkpoint(TRUNCATE)'))
    },
    setAside: (id, reason) => call(() => void statements.setAside.run(Date.now(), reason.slice(0, LONGEST_REASON), id)),
    listSetAside: () => call(() => statements.listSetAside.all() as SetAside[]),
    retry: (id) => call(() => Number((id === undefined ? statements.retryAll.run() : statements.retryOne.run(id)).changes)),
    figures: () => call(() => ({ ...(statements.figures.get() as SpoolFigures) })),
    close: () => {
      if (database.isOpen) database.close()
    },
  }
}

function lastWithin(sizes: readonly { id: number; bytes: number }[], maxBytes: number): number {
  let bytes = 0
  let last = 0
  for (const size of sizes) {
    bytes += size.bytes
    if (last > 0 && bytes > maxBytes) break
    last = size.id
  }
  return last
}

function inTransaction(database: DatabaseSync, work: () => void): void {
  database.exec('BEGIN IMMEDIATE')
  try {
    work()
    database.exec('COMMIT')
  } finally {
    // A full disk has undone it already.
    if (database.isTransaction) database.exec('ROLLBACK')
  }
}

function prepare(database: DatabaseSync) {
  const waiting = 'FROM entry INDEXED BY waiting WHERE set_aside_time IS NULL'
  return {
    insert: database.prepare(
      'INSERT OR IGNORE INTO entry (identity, kind, sealed, bytes, received_time) VALUES (?, ?, ?, ?, ?)',
    ),
    anyone: database.prepare(`SELECT 1 ${waiting} LIMIT 1`),
    sizes: database.prepare(`SELECT id, bytes ${waiting} ORDER BY id LIMIT ?`),
    upTo: database.prepare(
      `SELECT id, identity, kind, sealed, received_time AS receivedTime ${waiting} AND id <= ? ORDER BY id`,
    ),
    remove: database.prepare('DELETE FROM entry WHERE id = ? AND set_aside_time IS NULL'),
    setAside: database.prepare('UPDATE entry SET set_aside_time = ?, reason = ? WHERE id = ?'),
    figures: database.prepare(
      `SELECT waiting, bytes, set_aside AS setAside, (SELECT received_time ${waiting} ORDER BY id LIMIT 1) AS oldestTime FROM total`,
    ),
    listSetAside: database.prepare(
      `SELECT id, kind, received_time AS receivedTime, set_aside_time AS setAsideTime, reason
       FROM entry WHERE set_aside_time IS NOT NULL ORDER BY id`,
    ),
    retryAll: database.prepare('UPDATE entry SET set_aside_time = NULL WHERE set_aside_time IS NOT NULL'),
    retryOne: database.prepare('UPDATE entry SET set_aside_time = NULL WHERE set_aside_time IS NOT NULL AND id = ?'),
  }
}
