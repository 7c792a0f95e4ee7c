import { type Database, isGone, type WriteResult } from '@tributary/database'
import type { FollowedTopic } from './partition-reader.ts'
import type { GroupView } from './share.ts'

/** Milliseconds by the clock of the database: processes may disagree about the time. */
const NOW = 'CAST(UNIX_TIMESTAMP(CURRENT_TIMESTAMP(3)) * 1000 AS SIGNED)'

export type Membership = {
  readonly id: string
  /** Says that this member is alive, and answers how the group stands. */
  renew(): Promise<GroupView>
  /** Takes a partition from the owner it was seen with; false when somebody was faster. */
  take(partition: number, seenOwner: string): Promise<boolean>
  /** Whether this member has the lease of a partition. */
  isOwner(partition: number): Promise<boolean>
  /** Gives a partition back; nobody takes it before `rest` milliseconds have passed. */
  giveBack(partition: number, rest: number): Promise<void>
  /** Says that this member is gone. */
  leave(): Promise<void>
}

/**
 * One member of a group. A lease is in force while its member is alive: has renewed within `lease` milliseconds and, as
 * far as that can be seen from here, still runs. This only shares the work out. It keeps nobody from working on a
 * partition that has passed to another (a process may sleep through its lease); the epoch of the consumer's cursor does.
 */
export function createMembership(
  database: Database,
  topic: FollowedTopic,
  group: string,
  member: string,
  lease: number,
): Membership {
  const place = [topic.id, group]
  let known = false

  async function makeLeases(): Promise<void> {
    const rows = Array.from({ length: topic.partitions }, (_, partition) => [...place, partition])
    await database.query(
      `INSERT INTO tributary_log_lease (topic_id, group_name, partition_no) VALUES ?
       ON DUPLICATE KEY UPDATE partition_no = VALUES(partition_no)`,
      [rows],
    )
    known = true
  }

  return {
    id: member,
    renew: async () => {
      if (!known) await makeLeases()
      await database.query(
        `INSERT INTO tributary_log_member (topic_id, group_name, member_id, expires_time) VALUES (?, ?, ?, ${NOW} + ?)
         ON DUPLICATE KEY UPDATE expires_time = VALUES(expires_time)`,
        [...place, member, lease],
      )
      const members = await database.query<{ member_id: string; alive: number }[]>(
        `SELECT member_id, expires_time > ${NOW} AS alive FROM tributary_log_member WHERE topic_id = ? AND group_name = ?`,
        place,
      )
      const leases = await database.query<{ partition_no: number; member_id: string; available: number }[]>(
        `SELECT partition_no, member_id, available_time <= ${NOW} AS available FROM tributary_log_lease
         WHERE topic_id = ? AND group_name = ? ORDER BY partition_no`,
        place,
      )
      if (members.some((row) => row.alive === 0)) await removeExpired(database, place)
      return {
        members: members.filter((row) => row.alive === 1 && !isGone(row.member_id)).map((row) => row.member_id),
        leases: leases.map((row) => ({
          partition: row.partition_no,
          owner: row.member_id,
          available: row.available === 1,
        })),
      }
    },
    take: async (partition, seenOwner) => {
      const result = await database.query<WriteResult>(
        `UPDATE tributary_log_lease SET member_id = ?
         WHERE topic_id = ? AND group_name = ? AND partition_no = ? AND member_id = ?`,
        [member, ...place, partition, seenOwner],
      )
      return result.affectedRows === 1
    },
    isOwner: async (partition) => {
      const rows = await database.query(
        'SELECT 1 FROM tributary_log_lease WHERE topic_id = ? AND group_name = ? AND partition_no = ? AND member_id = ?',
        [...place, partition, member],
      )
      return rows.length > 0
    },
    giveBack: async (partition, rest) => {
      await database.query(
        `UPDATE tributary_log_lease SET member_id = '', available_time = ${NOW} + ?
         WHERE topic_id = ? AND group_name = ? AND partition_no = ? AND member_id = ?`,
        [rest, ...place, partition, member],
      )
    },
    leave: async () => {
      await database.query('DELETE FROM tributary_log_member WHERE topic_id = ? AND group_name = ? AND member_id = ?', [
        ...place,
        member,
      ])
    },
  }
}

/** A member that was only slow comes back with its next renewal. */
async function removeExpired(database: Database, place: readonly unknown[]): Promise<void> {
  await database.query(
    `DELETE FROM tributary_log_member WHERE topic_id = ? AND group_name = ? AND expires_time <= ${NOW}`,
    place,
  )
}
