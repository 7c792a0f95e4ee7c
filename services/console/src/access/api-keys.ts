import { hash, randomBytes } from 'node:crypto'
import type { Connection, WriteResult } from '@tributary/database'

/**
 * What a caller may do: `read` everything that is not about a person, `read-personal` that too, `ship` packages, and
 * `operate`, that is set work going.
 */
export const SCOPES = ['read', 'read-personal', 'ship', 'operate'] as const
export type Scope = (typeof SCOPES)[number]

/** A key as it may be shown. Times in milliseconds since 1970. */
export type ApiKeyRow = { id: string; name: string; scopes: string; createTime: number; revokedTime: number | null }

const digestOf = (key: string): Buffer => hash('sha256', key, 'buffer')

/** Makes a key and answers it; afterwards only its digest is known. Throws DatabaseError. */
export async function addApiKey(
  connection: Connection,
  { name, scopes }: { name: string; scopes: readonly Scope[] },
): Promise<{ id: string; key: string }> {
  const id = randomBytes(6).toString('hex')
  const key = `trb_${randomBytes(32).toString('base64url')}`
  await connection.query('INSERT INTO tributary_api_key (id, name, key_hash, scopes, create_time) VALUES (?)', [
    [id, name, digestOf(key), scopes.join(' '), Date.now()],
  ])
  return { id, key }
}

/** Every key, oldest first, the revoked ones too. Throws DatabaseError. */
export function listApiKeys(connection: Connection): Promise<ApiKeyRow[]> {
  return connection.query(
    'SELECT id, name, scopes, create_time AS createTime, revoked_time AS revokedTime FROM tributary_api_key ORDER BY create_time, id',
  )
}

/** Ends a key from the next request on. False when there is no such living key. Throws DatabaseError. */
export async function revokeApiKey(connection: Connection, id: string): Promise<boolean> {
  const { affectedRows } = await connection.query<WriteResult>(
    'UPDATE tributary_api_key SET revoked_time = ? WHERE id = ? AND revoked_time IS NULL',
    [Date.now(), id],
  )
  return affectedRows === 1
}

/** The id and the scopes of a living key; undefined for any other text. Throws DatabaseError. */
export async function findApiKey(
  connection: Connection,
  key: string,
): Promise<{ id: string; scopes: ReadonlySet<string> } | undefined> {
  const [row] = await connection.query<{ id: string; scopes: string }[]>(
    'SELECT id, scopes FROM tributary_api_key WHERE key_hash = ? AND revoked_time IS NULL',
    [digestOf(key)],
  )
  return row && { id: row.id, scopes: new Set(row.scopes.split(' ')) }
}
