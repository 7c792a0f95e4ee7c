import type { Connection } from '@tributary/database'

/**
 * Writes down that somebody opened personal data, before it is shown. `target` says what, never its content.
 * Throws DatabaseError; then it must not be shown.
 */
export async function recordAccess(
  connection: Connection,
  { actor, action, target }: { actor: string; action: string; target: string },
): Promise<void> {
  await connection.query('INSERT INTO tributary_audit (audit_time, actor, action, target) VALUES (?, ?, ?, ?)', [
    Date.now(),
    actor.slice(0, 200),
    action.slice(0, 64),
    target.slice(0, 500),
  ])
}
