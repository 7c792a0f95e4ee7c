import type { Connection, Database, WriteResult } from '@tributary/database'
import type { Position } from '@tributary/event-log'
import { ConsumerError } from './errors.ts'

/** Which cursor: one consumer's in one partition. */
export type CursorName = { readonly consumer: string; readonly topic: string; readonly partition: number }

/** A cursor that this member took over. `epoch` proves it; `next` is the position as last committed. */
export type OwnedCursor = CursorName & { readonly epoch: number; next: Position }

const ROW = 'consumer = ? AND topic = ? AND partition_no = ?'

/** The values for `consumer = ? AND topic = ? AND partition_no = ?`. */
export const nameValues = ({ consumer, topic, partition }: CursorName): [string, string, number] => [consumer, topic, partition]

/**
 * Makes this member the owner, from position 0 when the cursor is new. The epoch grows first and the position is read
 * after: the row's lock makes the former owner's open transaction end before, and its next one finds another epoch.
 * Throws DatabaseError.
 */
export function takeOver(database: Database, name: CursorName, owner: string): Promise<OwnedCursor> {
  return database.transaction(async (connection) => {
    await connection.query(
      `INSERT INTO tributary_cursor (consumer, topic, partition_no, next_position, epoch, owner, updated_time)
       VALUES (?, ?, ?, 0, 1, ?, ?)
       ON DUPLICATE KEY UPDATE epoch = epoch + 1, owner = VALUES(owner), updated_time = VALUES(updated_time)`,
      [...nameValues(name), owner, Date.now()],
    )
    const row = await readCursor(connection, name)
    if (!row) throw new ConsumerError('CONSUMER_FENCED', 'The cursor went away while it was taken over.')
    return { ...name, ...row }
  })
}

/** A cursor of ours, and where it is to stand. */
export type CursorMove = { cursor: OwnedCursor; to: Position }

/**
 * The fence: must be the first statement of a batch's transaction. Moves the cursor, or throws ConsumerError
 * CONSUMER_FENCED when this member is not its owner any more. Needs `affectedRows` to count found rows.
 */
export const moveCursor = (connection: Connection, cursor: OwnedCursor, to: Position): Promise<void> =>
  moveCursors(connection, [{ cursor, to }])

/** Moves several cursors in one statement, which locks their rows in the order of the key. Throws like `moveCursor` when one is not ours. */
export async function moveCursors(connection: Connection, moves: readonly CursorMove[]): Promise<void> {
  const positions = moves.map(() => `WHEN ${ROW} THEN ?`).join(' ')
  const owned = moves.map(() => `(${ROW} AND epoch = ? AND next_position = ?)`).join(' OR ')
  const { affectedRows } = await connection.query<WriteResult>(
    `UPDATE tributary_cursor SET next_position = CASE ${positions} END, updated_time = ? WHERE ${owned}`,
    [
      ...moves.flatMap(({ cursor, to }) => [...nameValues(cursor), to]),
      Date.now(),
      ...moves.flatMap(({ cursor }) => [...nameValues(cursor), cursor.epoch, cursor.next]),
    ],
  )
  if (affectedRows !== moves.length) throw fenced(moves.map(({ cursor }) => cursor))
}

/** The fence without a move, for work outside any batch. Locks the cursor's row. Throws like `moveCursor`. */
export async function proveOwnership(connection: Connection, cursor: OwnedCursor): Promise<void> {
  const { affectedRows } = await connection.query<WriteResult>(
    `UPDATE tributary_cursor SET epoch = epoch WHERE ${ROW} AND epoch = ?`,
    [...nameValues(cursor), cursor.epoch],
  )
  if (affectedRows !== 1) throw fenced([cursor])
}

/** Where the cursor stands in our own epoch, so that it was we who moved it there; undefined in another. Throws DatabaseError. */
export async function positionInOurEpoch(database: Database, cursor: OwnedCursor): Promise<Position | undefined> {
  const row = await readCursor(database, cursor)
  return row?.epoch === cursor.epoch ? row.next : undefined
}

/** Where every cursor of a consumer in a topic stands, and when it last moved or changed hands. Throws DatabaseError. */
export async function readCursors(
  connection: Connection,
  consumer: string,
  topic: string,
): Promise<{ partition: number; next: Position; updatedTime: number }[]> {
  return connection.query(
    `SELECT partition_no AS \`partition\`, next_position AS next, updated_time AS updatedTime
     FROM tributary_cursor WHERE consumer = ? AND topic = ? ORDER BY partition_no`,
    [consumer, topic],
  )
}

/** The epoch of every cursor of a consumer in a topic, by partition. Throws DatabaseError. */
export async function readEpochs(connection: Connection, consumer: string, topic: string): Promise<Map<number, number>> {
  const rows = await connection.query<{ partition: number; epoch: number }[]>(
    'SELECT partition_no AS `partition`, epoch FROM tributary_cursor WHERE consumer = ? AND topic = ?',
    [consumer, topic],
  )
  return new Map(rows.map(({ partition, epoch }) => [partition, epoch]))
}

/** The error of a member that finds another owner's epoch. */
export const fencedFrom = (cursor: OwnedCursor): ConsumerError => fenced([cursor])

/** Where every cursor of every consumer stands. Throws DatabaseError. */
export async function readAllCursors(
  connection: Connection,
): Promise<(CursorName & { next: Position; updatedTime: number })[]> {
  return connection.query(
    `SELECT consumer, topic, partition_no AS \`partition\`, next_position AS next, updated_time AS updatedTime
     FROM tributary_cursor ORDER BY consumer, topic, partition_no`,
  )
}

async function readCursor(connection: Connection, name: CursorName): Promise<{ epoch: number; next: Position } | undefined> {
  const rows = await connection.query<{ epoch: number; next: Position }[]>(
    `SELECT epoch, next_position AS next FROM tributary_cursor WHERE ${ROW}`,
    nameValues(name),
  )
  return rows[0] && { epoch: rows[0].epoch, next: rows[0].next }
}

const fenced = (cursors: readonly OwnedCursor[]): ConsumerError =>
  new ConsumerError(
    'CONSUMER_FENCED',
    cursors
      .map(
        ({ consumer, topic, partition, epoch }) =>
          `Consumer '${consumer}' no longer owns partition ${partition} of ${topic} in epoch ${epoch}: another member took it over.`,
      )
      .join(' Or: '),
  )
