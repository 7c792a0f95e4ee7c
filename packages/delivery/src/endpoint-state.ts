import type { Connection } from '@tributary/database'

/** What people decided about an endpoint, or its receiver by a 410. `since` in milliseconds since 1970. */
export type EndpointState = { name: string; state: 'active' | 'paused' | 'disabled'; reason: string; since: number }

/** Every endpoint that somebody decided about, by name; all others are active. Throws DatabaseError. */
export async function readEndpointStates(connection: Connection): Promise<Map<string, EndpointState>> {
  const rows = await connection.query<EndpointState[]>('SELECT name, state, reason, since FROM tributary_endpoint')
  return new Map(rows.map((row) => [row.name, row]))
}

/**
 * Decides about an endpoint; every process heeds it within seconds. One that is not active stands at its cursor: nothing
 * is sent, nothing is lost. Answers false when it stood so already. Throws DatabaseError.
 */
export async function setEndpointState(
  connection: Connection,
  { name, state, reason }: Omit<EndpointState, 'since'>,
): Promise<boolean> {
  const [before] = await connection.query<Pick<EndpointState, 'state'>[]>(
    'SELECT state FROM tributary_endpoint WHERE name = ?',
    [name],
  )
  if ((before?.state ?? 'active') === state) return false
  await connection.query(
    `INSERT INTO tributary_endpoint (name, state, reason, since) VALUES (?)
     ON DUPLICATE KEY UPDATE state = VALUES(state), reason = VALUES(reason), since = VALUES(since)`,
    [[name, state, reason, Date.now()]],
  )
  return true
}
