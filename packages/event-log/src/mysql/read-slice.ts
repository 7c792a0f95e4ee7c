import type { Connection } from '@tributary/database'
import type { Position, RecordedEvent, Slice } from '../port.ts'
import { type EventRow, fromRow, SELECT_DATA, SELECT_EVENTS } from './event-row.ts'
import type { Topic } from './topics.ts'

export type ReadOptions = { limit?: number; maxBytes?: number; signal?: AbortSignal }

const DEFAULT_LIMIT = 500
const DEFAULT_BYTES = 8 * 1024 * 1024

/** See `EventLog.read`. At most `maxBytes` of data, or one event, ever crosses the wire or stands in memory. */
export async function readSlice(
  database: Connection,
  topic: Topic,
  partition: number,
  from: Position,
  { limit = DEFAULT_LIMIT, maxBytes = DEFAULT_BYTES, signal }: ReadOptions,
): Promise<Slice> {
  signal?.throwIfAborted()
  const inline = Math.floor(maxBytes / limit)
  const rows = await database.query<EventRow[]>(SELECT_EVENTS, [inline, topic.id, partition, from, limit])
  const events: RecordedEvent[] = []
  let bytes = 0
  for (const row of rows) {
    signal?.throwIfAborted()
    bytes += row.data_bytes
    if (bytes > maxBytes && events.length > 0) break
    const data = row.data ?? (await readData(database, topic, partition, row.position))
    events.push(fromRow(topic, partition, row, data))
  }
  const last = events.at(-1)
  return { events, next: last ? last.position + 1 : from }
}

async function readData(database: Connection, topic: Topic, partition: number, position: Position): Promise<string> {
  const [row] = await database.query<{ data: string }[]>(SELECT_DATA, [topic.id, partition, position])
  if (row) return row.data
  throw new Error(`The event at ${topic.name}/${partition}/${position} was there and is gone: somebody deletes from the log.`)
}
