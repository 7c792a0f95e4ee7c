import type { Connection } from '@tributary/database'
import { detached } from '@tributary/runtime'
import type { Position, RecordedEvent, Slice } from '../port.ts'
import { type EventRow, fromRow, SELECT_DATA, selectEvents } from './event-row.ts'
import type { Topic } from './topics.ts'

export type ReadOptions = { limit?: number; maxBytes?: number; signal?: AbortSignal }

type Asked = { partition: number; from: Position; limit: number; maxBytes: number; signal: AbortSignal | undefined }
type Waiting = { asked: Asked; resolve(slice: Slice): void; reject(error: unknown): void }

const DEFAULT_LIMIT = 500
const DEFAULT_BYTES = 8 * 1024 * 1024
/** Slices of more events are read alone: what takes long would keep the others waiting. */
const MOST_EVENTS_TOGETHER = 64
/** Slices in a statement, so that its answer stays below 64 MB, whatever the number of partitions. */
const MOST_SLICES_TOGETHER = 32
/** Data that comes with the rows of several slices at most. Larger data is asked for apart. */
const MOST_BYTES_TOGETHER = 32 * 1024

/**
 * Reads slices of a topic; see `EventLog.read`. At most `maxBytes` of data, or one event, ever crosses the wire or stands in memory
 * for one slice.
 *
 * Short slices that are asked for in the same turn of the event loop share a statement. At the end of the log each partition has
 * a few new events, and their followers all hear of them at once: the way to the server and back costs more than the rows.
 */
export function createSliceReader(
  database: Connection,
  topic: Topic,
): (partition: number, from: Position, options?: ReadOptions) => Promise<Slice> {
  const waiting: Waiting[] = []

  async function readWaiting(): Promise<void> {
    const together = waiting.splice(0, MOST_SLICES_TOGETHER)
    if (waiting.length > 0) void readWaiting()
    try {
      const rows = await selectRows(
        database,
        topic,
        together.map(({ asked }) => asked),
      )
      for (const [index, { asked, resolve, reject }] of together.entries())
        sliceOf(database, topic, asked, rows.get(index) ?? []).then(resolve, reject)
    } catch (error) {
      for (const { reject } of together) reject(error)
    }
  }

  return async (partition, from, { limit = DEFAULT_LIMIT, maxBytes = DEFAULT_BYTES, signal } = {}) => {
    signal?.throwIfAborted()
    const asked = { partition, from, limit, maxBytes, signal }
    if (limit > MOST_EVENTS_TOGETHER)
      return await sliceOf(database, topic, asked, (await selectRows(database, topic, [asked])).get(0) ?? [])
    return await new Promise((resolve, reject) => {
      waiting.push({ asked, resolve, reject })
      // Others' slices are read with it: it is not part of the trace of whoever asks first.
      if (waiting.length === 1) detached(() => setImmediate(readWaiting))
    })
  }
}

/** The rows of each slice, by its index. */
async function selectRows(database: Connection, topic: Topic, all: readonly Asked[]): Promise<Map<number, EventRow[]>> {
  const values = all.flatMap(({ partition, from, limit, maxBytes }, index) => {
    const inline = Math.floor(maxBytes / limit)
    return [index, all.length > 1 ? Math.min(inline, MOST_BYTES_TOGETHER) : inline, topic.id, partition, from, limit]
  })
  return Map.groupBy(await database.query<EventRow[]>(selectEvents(all.length), values), ({ slice }) => slice)
}

async function sliceOf(
  database: Connection,
  topic: Topic,
  { partition, from, maxBytes, signal }: Asked,
  rows: readonly EventRow[],
): Promise<Slice> {
  const events: RecordedEvent[] = []
  let bytes = 0
  // Of several slices the server promises no order.
  for (const row of rows.toSorted((a, b) => a.position - b.position)) {
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
