import type { Connection } from '@tributary/database'
import { retryLanes } from './lane-operations.ts'
import type { Delivery } from './place.ts'
import { beginReplay } from './replay.ts'

/**
 * Tries a delivery again now that holds up its key, or was given up. `partitionKey` is the event's; `by` is whoever asks. The
 * connection must be in a transaction, in which the caller may write down what it did.
 * Answers false when it is neither. Throws DatabaseError, DeliveryError DELIVERY_REPLAY_REFUSED.
 */
export const retryDelivery = async (
  connection: Connection,
  delivery: Delivery,
  asked: { partitionKey: string; by: string },
): Promise<boolean> =>
  (await retryLanes(connection, delivery.endpoint, { head: delivery })) > 0 ||
  (await retryDeadLetter(connection, delivery, asked))

/**
 * Delivers again what was given up: the endpoint's cursor is set back to it, and everything between it and where the cursor
 * stood is passed over. It is no dead letter any more, until it is given up again.
 */
async function retryDeadLetter(
  connection: Connection,
  { endpoint, topic, partition, position }: Delivery,
  { partitionKey, by }: { partitionKey: string; by: string },
): Promise<boolean> {
  const place = [endpoint, topic, partition]
  const letter = [...place, position]
  const [found] = await connection.query(`SELECT 1 FROM tributary_dead_letter WHERE ${OF_LETTER} FOR UPDATE`, letter)
  if (!found) return false
  await connection.query(`DELETE FROM tributary_dead_letter WHERE ${OF_LETTER}`, letter)
  const live = await cursorOf(connection, place)
  // A replay that is under way comes to it by itself.
  if (position >= live) return true
  const plan = [{ partition, from: position, to: position + 1, live, key: partitionKey }]
  await beginReplay(connection, { endpoint, topic, plan, by })
  return true
}

const OF_LETTER = 'endpoint = ? AND topic = ? AND partition_no = ? AND position = ?'

async function cursorOf(connection: Connection, place: readonly unknown[]): Promise<number> {
  const [row] = await connection.query<{ next: number }[]>(
    'SELECT next_position AS next FROM tributary_cursor WHERE consumer = ? AND topic = ? AND partition_no = ? FOR UPDATE',
    place,
  )
  return row?.next ?? 0
}
