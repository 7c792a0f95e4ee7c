import { createHash } from 'node:crypto'
import type { Connection, Database } from './database.ts'
import { DatabaseError } from './errors.ts'
import type { Migration } from './migration.ts'
import { MIGRATIONS } from './migrations/index.ts'
import { underNamedLock } from './named-lock.ts'
import { onOneConnection } from './one-connection.ts'

const MIGRATION_TABLE = `CREATE TABLE IF NOT EXISTS tributary_migration (
  name VARCHAR(100) CHARACTER SET ascii NOT NULL PRIMARY KEY,
  checksum CHAR(64) CHARACTER SET ascii NOT NULL COMMENT 'SHA-256 of its statements',
  landed_at BIGINT NOT NULL COMMENT 'milliseconds since 1970'
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COMMENT = 'Schema steps that have landed'`

/** How long a second process waits for the first one's migrations, in seconds. */
const LOCK_WAIT = 120

/** `landedAt` is in milliseconds since 1970. `unknown` is one that only the database knows. */
export type MigrationStatus = {
  name: string
  state: 'landed' | 'waiting' | 'changed' | 'unknown'
  landedAt?: number
}

/**
 * Brings the schema forward to what this program needs and answers the names of what it ran. Safe to call from several
 * processes at once and after a crash half-way. `onStep` hears the name of each migration before it runs.
 *
 * The lock dies with its connection, and the same connection runs the statements: a killed process leaves nothing locked.
 * That is why this is not knex's own migrator, whose lock is a row that outlives its process.
 *
 * Throws DatabaseError DATABASE_MIGRATION_CHANGED when a landed migration differs from ours, DATABASE_NEWER_THAN_PROGRAM
 * when the database has one that we do not know, DATABASE_LOCK_TIMEOUT when another process migrates for too long.
 */
export function migrate(database: Database, options: { onStep?: (name: string) => void } = {}): Promise<string[]> {
  return applyMigrations(database, MIGRATIONS, options)
}

/** State of every migration, ours and those that only the database knows. Changes nothing. */
export function migrationStatus(database: Database): Promise<MigrationStatus[]> {
  return readStatus(database, MIGRATIONS)
}

/** `migrate` with a given list. */
export function applyMigrations(
  database: Database,
  migrations: readonly Migration[],
  options: { onStep?: (name: string) => void } = {},
): Promise<string[]> {
  return onOneConnection(database.knex, (connection) =>
    underNamedLock(connection, { name: 'migrate', seconds: LOCK_WAIT }, async () => {
      await connection.query(MIGRATION_TABLE)
      const waiting = await waitingMigrations(connection, migrations)
      for (const migration of waiting) {
        options.onStep?.(migration.name)
        await land(connection, migration)
      }
      return waiting.map((migration) => migration.name)
    }),
  )
}

async function readStatus(connection: Connection, migrations: readonly Migration[]): Promise<MigrationStatus[]> {
  const landed = await landedMigrations(connection)
  const ours = migrations.map(({ name, statements }): MigrationStatus => {
    const row = landed.get(name)
    if (!row) return { name, state: 'waiting' }
    return { name, state: row.checksum === checksum(statements) ? 'landed' : 'changed', landedAt: row.landedAt }
  })
  const names = new Set(migrations.map((migration) => migration.name))
  const unknown = [...landed].filter(([name]) => !names.has(name))
  return [...ours, ...unknown.map(([name, { landedAt }]): MigrationStatus => ({ name, state: 'unknown', landedAt }))]
}

async function waitingMigrations(connection: Connection, migrations: readonly Migration[]): Promise<Migration[]> {
  const status = await readStatus(connection, migrations)
  const unknown = status.filter(({ state }) => state === 'unknown').map(({ name }) => name)
  if (unknown.length > 0) {
    throw new DatabaseError(
      'DATABASE_NEWER_THAN_PROGRAM',
      `The database has migrations that this program does not know: ${unknown.join(', ')}. Run a newer program.`,
    )
  }
  const changed = status.filter(({ state }) => state === 'changed').map(({ name }) => name)
  if (changed.length > 0) {
    throw new DatabaseError(
      'DATABASE_MIGRATION_CHANGED',
      `These migrations have landed and were changed since: ${changed.join(', ')}. Undo the change and add a new migration.`,
    )
  }
  const waiting = new Set(status.filter(({ state }) => state === 'waiting').map(({ name }) => name))
  return migrations.filter(({ name }) => waiting.has(name))
}

async function land(connection: Connection, { name, statements }: Migration): Promise<void> {
  for (const statement of statements) await connection.query(statement)
  await connection.query('INSERT INTO tributary_migration (name, checksum, landed_at) VALUES (?, ?, ?)', [
    name,
    checksum(statements),
    Date.now(),
  ])
}

async function landedMigrations(connection: Connection): Promise<Map<string, { checksum: string; landedAt: number }>> {
  const [table] = await connection.query(
    "SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'tributary_migration'",
  )
  if (!table) return new Map()
  const rows = await connection.query<{ name: string; checksum: string; landed_at: number }[]>(
    'SELECT name, checksum, landed_at FROM tributary_migration ORDER BY name',
  )
  return new Map(rows.map((row) => [row.name, { checksum: row.checksum, landedAt: row.landed_at }]))
}

function checksum(statements: readonly string[]): string {
  const hash = createHash('sha256')
  for (const statement of statements) hash.update(`${Buffer.byteLength(statement)}:${statement}`)
  return hash.digest('hex')
}
