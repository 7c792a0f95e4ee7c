import { createHash, type Hash } from 'node:crypto'
import { type EventLog, MAX_CALL_BYTES, readSlices } from '@tributary/event-log'
import type { StoredEvent } from '@tributary/events'

const APPEND_EVENTS = 500
const APPEND_BYTES = MAX_CALL_BYTES / 4

/** A partition's content: how many events, and a digest over ids and data in their order. */
export type Content = { events: number; digest: Hash }

/** Adds events to the content of the partition `name`. */
export function addTo(contents: Map<string, Content>, name: string, events: readonly StoredEvent[]): void {
  const content = contents.get(name) ?? { events: 0, digest: createHash('sha256') }
  contents.set(name, content)
  for (const { id, data } of events) content.digest.update(`${id}\n${Buffer.byteLength(data)}\n${data}\n`)
  content.events += events.length
}

/** What keeps two logs from being equal, in words; undefined when nothing does. */
export function firstDifference(
  expected: ReadonlyMap<string, Content>,
  found: ReadonlyMap<string, Content>,
): string | undefined {
  for (const name of new Set([...expected.keys(), ...found.keys()])) {
    const [wanted, got] = [expected.get(name), found.get(name)]
    if (wanted?.events !== got?.events) return `${name} holds ${got?.events ?? 0} events, not ${wanted?.events ?? 0}`
    if (wanted?.digest.copy().digest('hex') !== got?.digest.copy().digest('hex')) return `the events of ${name} differ`
  }
  return undefined
}

/** Reads topics whole, up to the ends given or as they are now. Throws EventLogError. */
export async function readContents(
  log: EventLog,
  topics: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, Content>> {
  const contents = new Map<string, Content>()
  for (const topic of topics)
    for (const [partition, end] of (await log.ends(topic)).entries())
      for await (const { events } of readSlices(log, topic, partition, { to: end, signal })) {
        const stored = events.map(({ event }) => event)
        if (stored.length > 0) addTo(contents, `${topic}/${partition}`, stored)
      }
  return contents
}

/** Cuts events into calls of `append`. */
export function batchesOf(events: readonly StoredEvent[]): StoredEvent[][] {
  const batches: StoredEvent[][] = []
  let bytes = 0
  for (const event of events) {
    const size = Buffer.byteLength(event.data)
    const current = batches.at(-1)
    if (current && current.length < APPEND_EVENTS && bytes + size <= APPEND_BYTES) {
      current.push(event)
      bytes += size
    } else {
      batches.push([event])
      bytes = size
    }
  }
  return batches
}
