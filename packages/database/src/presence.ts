import { createConnection, type RowDataPacket } from 'mysql2'
import { dialOptions } from './dial.ts'
import { socketOf } from './socket.ts'
import type { DatabaseAddress } from './url.ts'

/**
 * What a server says of our sessions. `unreachable`: nobody takes a new connection. `unknown`: somebody is there, and what is
 * said proves nothing.
 */
export type Presence =
  | { kind: 'sessions'; host: string; ids: ReadonlySet<number> }
  | { kind: 'unreachable' }
  | { kind: 'unknown' }

type Asked = { address: string; reach: number }

/**
 * Asks the server at an address (IP) which sessions of this account it has, on a connection of its own. `reach` is how many
 * milliseconds connecting and the answer may each take. Who does not answer is tried twice, because once may be the fault
 * of a moment. Never throws.
 */
export async function askPresence(server: DatabaseAddress, asked: Asked): Promise<Presence> {
  const first = await askOnce(server, asked)
  return first.kind === 'unreachable' ? askOnce(server, asked) : first
}

async function askOnce(server: DatabaseAddress, { address, reach }: Asked): Promise<Presence> {
  const raw = createConnection(dialOptions(server, { reach, address }))
  raw.on('error', () => {})
  const socket = socketOf(raw)
  const session = raw.promise()
  try {
    await session.connect()
    // Every account sees its own sessions, without a grant. The view of the same name has been on its way out since MySQL 8.
    const [rows] = await session.query<RowDataPacket[]>({ sql: 'SHOW PROCESSLIST', timeout: reach })
    const [[row]] = await session.query<RowDataPacket[]>({ sql: 'SELECT @@hostname AS host', timeout: reach })
    const ids = new Set(rows.map(({ Id }) => Number(Id)))
    // Some proxies number sessions by themselves: who does not find itself there can say nothing of others.
    return ids.has(raw.threadId) ? { kind: 'sessions', host: row?.['host'], ids } : { kind: 'unknown' }
  } catch {
    // Who says anything is there, were it that it has too many connections.
    return { kind: socket.bytesRead > 0 ? 'unknown' : 'unreachable' }
  } finally {
    socketOf(raw).destroy()
  }
}
