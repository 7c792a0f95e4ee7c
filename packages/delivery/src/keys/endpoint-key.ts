import type { Connection } from '@tributary/database'
import type { SigningKey } from '../signature.ts'

/**
 * A key of ours that signs requests to an endpoint. Times in milliseconds since 1970; it signs from when it is there
 * until `expireTime`, or for good, and `validFrom` tells the order of keys. `publicKey` is that of v1a, in `whpk_` form. `sealed` is the secret as the vault sealed it,
 * undefined once the key has ended.
 */
export type EndpointKey = {
  endpoint: string
  id: string
  kind: SigningKey['kind']
  publicKey: string | undefined
  sealed: string | undefined
  createTime: number
  validFrom: number
  expireTime: number | undefined
}

/**
 * Whether a key signs at a time, milliseconds since 1970. Every key was made to sign at once: one that seems to begin later was
 * made by a clock ahead of this one, or before this one was set back.
 */
export const signsAt = ({ sealed, expireTime }: EndpointKey, now: number): boolean =>
  sealed !== undefined && (expireTime === undefined || now < expireTime)

/** The keys of one endpoint or of all, ended ones too, the newest first. Throws DatabaseError. */
export async function listEndpointKeys(connection: Connection, endpoint?: string): Promise<EndpointKey[]> {
  const rows = await connection.query<KeyRecord[]>(
    `SELECT endpoint, key_id, kind, public_key, sealed, create_time, valid_from, expire_time FROM tributary_endpoint_key
     ${endpoint === undefined ? '' : 'WHERE endpoint = ?'} ORDER BY endpoint, valid_from DESC, create_time DESC, key_id`,
    endpoint === undefined ? [] : [endpoint],
  )
  return rows.map((row) => ({
    endpoint: row.endpoint,
    id: row.key_id,
    kind: row.kind,
    publicKey: row.public_key ?? undefined,
    sealed: row.sealed ?? undefined,
    createTime: row.create_time,
    validFrom: row.valid_from,
    expireTime: row.expire_time ?? undefined,
  }))
}

/** Puts a key, in place of one with its id that an earlier endpoint of the name had. Throws DatabaseError. */
export async function putEndpointKey(connection: Connection, key: EndpointKey): Promise<void> {
  const { endpoint, id, kind, publicKey, sealed, createTime, validFrom, expireTime } = key
  await connection.query(
    `INSERT INTO tributary_endpoint_key (endpoint, key_id, kind, public_key, sealed, create_time, valid_from, expire_time)
     VALUES (?)
     ON DUPLICATE KEY UPDATE sealed = VALUES(sealed), create_time = VALUES(create_time), valid_from = VALUES(valid_from),
       expire_time = VALUES(expire_time)`,
    [[endpoint, id, kind, publicKey ?? null, sealed ?? null, createTime, validFrom, expireTime ?? null]],
  )
}

type KeyRecord = {
  endpoint: string
  key_id: string
  kind: SigningKey['kind']
  public_key: string | null
  sealed: string | null
  create_time: number
  valid_from: number
  expire_time: number | null
}
