import type { Connection } from './database.ts'

/**
 * Makes sellers due to be polled: they have just consented, or somebody asks. A poll in hand goes on; should it fail, it is
 * not put off. Throws DatabaseError.
 */
export async function pollAtOnce(
  connection: Connection,
  sellers: readonly { channel: number; sellerId: string }[],
): Promise<void> {
  if (sellers.length === 0) return
  await connection.query(
    `INSERT INTO tributary_poll (channel, seller_id) VALUES ?
     ON DUPLICATE KEY UPDATE wanted = 1, failures = 0, due_time = IF(claimed_by IS NULL, 0, due_time)`,
    [sellers.map(({ channel, sellerId }) => [channel, sellerId])],
  )
}
