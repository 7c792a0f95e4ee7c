import { inParts } from '@tributary/runtime'
import type { SizedEvent } from '../append-queue.ts'
import { firstPart } from '../first-part.ts'
import type { Connection } from './connection.ts'
import { keyStream, toMessage } from './messages.ts'
import { appendBehind, EMPTY, findRevisions } from './streams.ts'

/** Where an event stands in the stream of its key. */
export type Target = { stream: string; revision: number }

/** Keys whose last revision is remembered. */
const MOST_REMEMBERED = 10_000
/** What one append may hold so that a server with its usual limit of 1 MB takes it, bytes. */
const PART_BYTES = 512 * 1024
/** Room for the attributes of an event, bytes. */
const ATTRIBUTE_BYTES = 2_000
/** Streams written at once. */
const AT_ONCE = 64

export type KeyStreams = {
  /**
   * Keeps each event in the stream of its key, those of one key in the order given, and answers where each stands. `begun`
   * names events that may stand there already, and since when.
   */
  keep(events: readonly SizedEvent[], begun: ReadonlyMap<string, number>): Promise<Map<string, Target>>
}

/**
 * The streams of a topic's keys. Each append names the revision it expects: the one remembered, or none for a key that this
 * process does not know, and when that is wrong the one that the server answers.
 */
export function createKeyStreams(connection: Connection, topic: string): KeyStreams {
  const remembered = new Map<string, number>()

  function remember(stream: string, revision: number): void {
    remembered.delete(stream)
    remembered.set(stream, revision)
    const [oldest] = remembered.keys()
    if (remembered.size > MOST_REMEMBERED && oldest !== undefined) remembered.delete(oldest)
  }

  async function keepOfKey(stream: string, events: readonly SizedEvent[], begun: ReadonlyMap<string, number>) {
    const standing = new Map<string, Target>()
    for (let missing = events; missing.length > 0; missing = events.filter(({ event }) => !standing.has(event.id))) {
      // Known before the look: what an attempt whose answer got lost adds after it makes the append fail.
      const last = remembered.get(stream) ?? EMPTY
      await findBegun(stream, missing, begun, standing)
      const unkept = missing.filter(({ event }) => !standing.has(event.id))
      const part = firstPart(unkept, ({ bytes }) => bytes + ATTRIBUTE_BYTES, PART_BYTES)
      if (part.length === 0) continue
      const messages = part.map(({ event }) => toMessage(event))
      const kept = await appendBehind(connection, stream, last, messages)
      remember(stream, 'revision' in kept ? kept.revision : kept.conflict)
      if ('conflict' in kept) continue
      for (const [index, { event }] of part.entries())
        standing.set(event.id, { stream, revision: kept.revision - part.length + 1 + index })
    }
    return standing
  }

  async function findBegun(
    stream: string,
    events: readonly SizedEvent[],
    begun: ReadonlyMap<string, number>,
    standing: Map<string, Target>,
  ): Promise<void> {
    const ids = events.map(({ event }) => event.id).filter((id) => begun.has(id))
    const since = Math.min(...ids.map((id) => begun.get(id) ?? 0))
    for (const [id, revision] of await findRevisions(connection, stream, ids, since)) standing.set(id, { stream, revision })
  }

  return {
    async keep(events, begun) {
      const targets = new Map<string, Target>()
      const keys = [...Map.groupBy(events, ({ event }) => keyStream(topic, event.partitionkey))]
      for (const some of inParts(keys, AT_ONCE)) {
        const outcomes = await Promise.allSettled(some.map(([stream, ofKey]) => keepOfKey(stream, ofKey, begun)))
        for (const outcome of outcomes) {
          if (outcome.status === 'rejected') throw outcome.reason
          for (const [id, target] of outcome.value) targets.set(id, target)
        }
      }
      return targets
    },
  }
}
