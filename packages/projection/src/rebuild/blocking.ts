import type { Connection } from '@tributary/database'

const MOST = 3

/**
 * Who has had a transaction open for longest, in words: a statement that waits for a table waits for one of them. Servers
 * tell whom exactly only where performance_schema is on.
 */
export async function blockingSessions(connection: Connection): Promise<string> {
  try {
    const rows = await connection.query<{ id: number; user: string; host: string; seconds: number; command: string }[]>(
      `SELECT p.id, p.user, p.host, TIMESTAMPDIFF(SECOND, t.trx_started, NOW()) AS seconds, p.command
       FROM information_schema.innodb_trx t JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id
       WHERE p.id <> CONNECTION_ID() ORDER BY t.trx_started LIMIT ${MOST}`,
    )
    if (rows.length === 0) return 'no open transaction is to be seen; somebody may hold LOCK TABLES'
    const sessions = rows.map(
      ({ id, user, host, seconds, command }) =>
        `session ${id} of ${user}@${host}, ${seconds} s, ${command === 'Sleep' ? 'idle' : 'at work'}`,
    )
    return `open transactions are ${sessions.join('; ')}`
  } catch {
    return 'this user may not see who holds them (it needs the PROCESS privilege)'
  }
}
