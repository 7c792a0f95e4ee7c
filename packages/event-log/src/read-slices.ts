import type { EventLog, Position, Slice } from './port.ts'

/**
 * The slices of a partition one after the other, until one reaches `to` or nothing more can be read. The last may go past
 * `to`: a slice ends where the driver ends it, and some logs have gaps. Without `to` it is the end of now. Throws what
 * `read` throws.
 */
export async function* readSlices(
  log: EventLog,
  topic: string,
  partition: number,
  options: { from?: Position; to?: Position; limit?: number; signal?: AbortSignal } = {},
): AsyncGenerator<Slice, void, void> {
  const { from = 0, to = (await log.ends(topic))[partition] ?? 0, limit, ...reading } = options
  for (let position = from; position < to; ) {
    const most = limit === undefined ? {} : { limit: Math.min(limit, to - position) }
    const slice = await log.read(topic, partition, position, { ...reading, ...most })
    if (slice.next === position) return
    yield slice
    position = slice.next
  }
}
