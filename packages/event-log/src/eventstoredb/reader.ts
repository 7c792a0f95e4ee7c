import type { Position, RecordedEvent, Slice } from '../port.ts'
import type { Connection } from './connection.ts'
import { partitionStream, toRecorded } from './messages.ts'
import { forwards } from './streams.ts'

const DEFAULT_LIMIT = 500
const DEFAULT_BYTES = 8 * 1024 * 1024

export type ReadOptions = { limit?: number; maxBytes?: number; signal?: AbortSignal }

/**
 * See `EventLog.read`. The links of a partition are read in their order and the server brings the events behind them; it sends
 * no more than we take.
 */
export async function readSlice(
  connection: Connection,
  topic: string,
  partition: number,
  from: Position,
  { limit = DEFAULT_LIMIT, maxBytes = DEFAULT_BYTES, signal }: ReadOptions,
): Promise<Slice> {
  signal?.throwIfAborted()
  const events: RecordedEvent[] = []
  let bytes = 0
  let next = from
  const options = { maxCount: limit, resolveLinkTos: true }
  for await (const resolved of forwards(connection, partitionStream(topic, partition), from, options)) {
    signal?.throwIfAborted()
    const recorded = toRecorded(topic, partition, resolved)
    if (recorded) {
      bytes += Buffer.byteLength(recorded.event.data)
      if (bytes > maxBytes && events.length > 0) break
      events.push(recorded)
    }
    next = Number((resolved.link ?? resolved.event)?.revision ?? next) + 1
  }
  return { events, next }
}
