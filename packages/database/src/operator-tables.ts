import type { Connection, Database, WriteResult } from './database.ts'
import { DatabaseError } from './errors.ts'
import { underNamedLock } from './named-lock.ts'
import { onOneConnection } from './one-connection.ts'

/** A row of `eg_order_app`: our registration at a channel. `changedTime`, when it was made or last changed, is in milliseconds since 1970. */
export type AppRow = {
  id: number
  channel: number
  name: string
  clientId: string
  clientSecret: string
  developerId: string
  scopes: string[]
  redirectUri: string
  attachInfo: Record<string, unknown>
  changedTime: number
}

/** A row of `eg_spi`: a registered receiver. `secret` signs the calls; `createTime` is in milliseconds since 1970. */
export type SpiServiceRow = {
  id: number
  type: number
  serverCode: string
  serverName: string
  description: string
  secret: string
  createTime: number
}

const AUTHOR = 'tributary'

/** Every live app, of one channel or of all, by id. Throws DatabaseError DATABASE_ROW_UNREADABLE naming the row. */
export async function listApps(connection: Connection, channel?: number): Promise<AppRow[]> {
  const rows = await connection.query<AppRecord[]>(
    `SELECT id, channel, app_name, client_id, client_secret, dev_id, scopes, redirect_uri, attach_info,
       GREATEST(create_time, update_time) AS changed_time
     FROM eg_order_app WHERE deleted = 0 ${channel === undefined ? '' : 'AND channel = ?'} ORDER BY id`,
    channel === undefined ? [] : [channel],
  )
  return rows.map((row) => ({
    id: row.id,
    channel: row.channel,
    name: row.app_name,
    clientId: row.client_id,
    clientSecret: row.client_secret,
    developerId: row.dev_id,
    scopes: split(row.scopes ?? '', '+'),
    redirectUri: row.redirect_uri,
    attachInfo: parseAttachInfo(row),
    changedTime: row.changed_time,
  }))
}

/** Registers an app and answers its id. Throws DatabaseError. */
export async function addApp(connection: Connection, app: Omit<AppRow, 'id' | 'changedTime'>): Promise<number> {
  const result = await connection.query<WriteResult>(
    `INSERT INTO eg_order_app
       (channel, app_name, client_id, client_secret, dev_id, scopes, redirect_uri, attach_info, create_by, create_time, update_by, update_time)
     VALUES (?)`,
    [
      [
        app.channel,
        app.name,
        app.clientId,
        app.clientSecret,
        app.developerId,
        app.scopes.join('+'),
        app.redirectUri,
        JSON.stringify(app.attachInfo),
        ...authorship(),
      ],
    ],
  )
  return result.insertId
}

/** Gives an app another client secret; false when there is no such app. Throws DatabaseError. */
export async function setAppSecret(connection: Connection, id: number, clientSecret: string): Promise<boolean> {
  const { affectedRows } = await connection.query<WriteResult>(
    'UPDATE eg_order_app SET client_secret = ?, update_by = ?, update_time = ? WHERE id = ? AND deleted = 0',
    [clientSecret, AUTHOR, Date.now(), id],
  )
  return affectedRows === 1
}

/** Every live receiver of one type, by id. Of several rows with one code the one with the lowest id counts. */
export async function listSpiServices(connection: Connection, type: number): Promise<SpiServiceRow[]> {
  const rows = await connection.query<SpiServiceRecord[]>(
    `SELECT id, type, server_code, server_name, server_description, secret, create_time
     FROM eg_spi WHERE deleted = 0 AND type = ? ORDER BY id`,
    [type],
  )
  const services = rows.map((row) => ({
    id: row.id,
    type: row.type,
    serverCode: row.server_code,
    serverName: row.server_name,
    description: row.server_description,
    secret: row.secret,
    createTime: row.create_time,
  }))
  return services.filter(({ serverCode }, index) => services.findIndex((one) => one.serverCode === serverCode) === index)
}

/**
 * Registers a receiver and answers its id. Throws DatabaseError DATABASE_DUPLICATE when a live one of its type has this
 * code (the given table has no unique index, so a lock stands in for one), DATABASE_VALUE_REFUSED for a code with a comma.
 */
export async function addSpiService(database: Database, service: Omit<SpiServiceRow, 'id' | 'createTime'>): Promise<number> {
  const { type, serverCode, serverName, description, secret } = service
  if (serverCode.trim() === '' || serverCode.includes(','))
    throw new DatabaseError(
      'DATABASE_VALUE_REFUSED',
      'A server code must not be empty or hold a comma: sellers list codes by comma.',
    )
  return onOneConnection(database.knex, (connection) =>
    underNamedLock(connection, { name: 'eg_spi', seconds: 10 }, async () => {
      const [known] = await connection.query<{ id: number }[]>(
        'SELECT id FROM eg_spi WHERE type = ? AND server_code = ? AND deleted = 0 LIMIT 1',
        [type, serverCode],
      )
      if (known) {
        const message = `The SPI service '${serverCode}' of type ${type} exists already: row ${known.id} of eg_spi. Choose another code.`
        throw new DatabaseError('DATABASE_DUPLICATE', message)
      }
      const result = await connection.query<WriteResult>(
        `INSERT INTO eg_spi
           (type, server_code, server_name, server_description, secret, create_by, create_time, update_by, update_time)
         VALUES (?)`,
        [[type, serverCode, serverName, description, secret, ...authorship()]],
      )
      return result.insertId
    }),
  )
}

/** Empties the secret of a receiver, if it still is `secret`; answers whether it did. Throws DatabaseError. */
export async function clearSpiSecret(connection: Connection, { id, secret }: { id: number; secret: string }): Promise<boolean> {
  const { affectedRows } = await connection.query<WriteResult>(
    "UPDATE eg_spi SET secret = '', update_by = ?, update_time = ? WHERE id = ? AND secret = ?",
    [AUTHOR, Date.now(), id, secret],
  )
  return affectedRows > 0
}

type AppRecord = {
  id: number
  channel: number
  app_name: string
  client_id: string
  client_secret: string
  dev_id: string
  scopes: string | null
  redirect_uri: string
  attach_info: string | null
  changed_time: number
}

type SpiServiceRecord = {
  id: number
  type: number
  server_code: string
  server_name: string
  server_description: string
  secret: string
  create_time: number
}

/** Values of create_by, create_time, update_by, update_time. */
function authorship(): [string, number, string, number] {
  const now = Date.now()
  return [AUTHOR, now, AUTHOR, now]
}

function parseAttachInfo(row: AppRecord): Record<string, unknown> {
  if (row.attach_info === null || row.attach_info.trim() === '') return {}
  try {
    const value: unknown = JSON.parse(row.attach_info)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // Said below, without the text: it may hold a secret.
  }
  throw new DatabaseError(
    'DATABASE_ROW_UNREADABLE',
    `eg_order_app.attach_info of row ${row.id} (${row.app_name}) is not a JSON object. Correct the row.`,
  )
}

function split(text: string, separator: string): string[] {
  return text
    .split(separator)
    .map((part) => part.trim())
    .filter((part) => part !== '')
}
