import { firstPart } from '../first-part.ts'
import type { Position } from '../port.ts'
import type { Connection } from './connection.ts'
import type { Target } from './key-streams.ts'
import { linkIdOf, partitionStream, toLink } from './messages.ts'
import { appendBehind, forwards, lastRevision } from './streams.ts'

export type PartitionStreams = {
  /** Looks where partitions end, unless that was looked up a moment ago. */
  refresh(partitions: readonly number[]): Promise<void>
  /** Links events into a partition, in the order given, and answers the position of each. */
  link(partition: number, events: readonly { id: string; target: Target | undefined }[]): Promise<Map<string, Position>>
}

/** How long an end counts as known, milliseconds: what others append meanwhile has to be read. */
const FRESH = 1_000
/** What one append of links may hold so that a server with its usual limit of 1 MB takes it, bytes. */
const PART_BYTES = 512 * 1024
/** Of a link beside the name of its stream, bytes. */
const LINK_BYTES = 100

/**
 * The streams of a topic's partitions: links to the events, in the order that counts, a link's revision being the event's
 * position. Each append names the end that it expects, so no position is given twice and none is left out.
 */
export function createPartitionStreams(connection: Connection, topic: string): PartitionStreams {
  const ends = new Map<number, { end: Position; seen: number }>()
  const endOf = (partition: number): Position => ends.get(partition)?.end ?? 0
  const moveEnd = (partition: number, end: Position) => ends.set(partition, { end, seen: performance.now() })

  /** What of these others have linked meanwhile, or an attempt of ours whose answer got lost. */
  async function findAmongNew(partition: number, ids: readonly string[]): Promise<Map<string, Position>> {
    const byLink = new Map(ids.map((id) => [linkIdOf(id), id]))
    const found = new Map<string, Position>()
    for await (const { event: link } of forwards(connection, partitionStream(topic, partition), endOf(partition))) {
      if (!link) continue
      const id = byLink.get(link.id)
      if (id !== undefined) found.set(id, Number(link.revision))
      moveEnd(partition, Number(link.revision) + 1)
    }
    return found
  }

  return {
    async refresh(partitions) {
      const stale = partitions.filter((partition) => performance.now() - (ends.get(partition)?.seen ?? -FRESH) >= FRESH)
      await Promise.all(
        stale.map(async (partition) => {
          moveEnd(partition, (await lastRevision(connection, partitionStream(topic, partition))) + 1)
        }),
      )
    },
    async link(partition, events) {
      const places = new Map<string, Position>()
      const open = () => events.filter(({ id }) => !places.has(id))
      for (let rest = open(); rest.length > 0; rest = open()) {
        const part = firstPart(rest, sizeOf, PART_BYTES)
        const links = part.map(({ id, target }) => toLink(id, targetOf(target)))
        const kept = await appendBehind(connection, partitionStream(topic, partition), endOf(partition) - 1, links)
        if ('conflict' in kept) {
          // A server that came back from an older copy ends sooner than we knew.
          moveEnd(partition, Math.min(endOf(partition), kept.conflict + 1))
          const found = await findAmongNew(
            partition,
            rest.map(({ id }) => id),
          )
          for (const [id, position] of found) places.set(id, position)
          continue
        }
        for (const [index, { id }] of part.entries()) places.set(id, kept.revision - part.length + 1 + index)
        moveEnd(partition, kept.revision + 1)
      }
      return places
    },
  }
}

function targetOf(target: Target | undefined): Target {
  if (target) return target
  throw new Error('An event of the batch was not kept in the stream of its key.')
}

const sizeOf = ({ target }: { target: Target | undefined }): number => Buffer.byteLength(target?.stream ?? '') + LINK_BYTES
