import {
  BACKWARDS,
  END,
  type EventData,
  NO_STREAM,
  type ResolvedEvent,
  START,
  WrongExpectedVersionError,
} from '@eventstore/db-client'
import type { Connection } from './connection.ts'

/** No event stands in the stream. */
export const EMPTY = -1

export type Kept = { revision: number } | { conflict: number }

/**
 * Appends events to a stream whose last revision is `last`, all or none. Answers the revision of the last of them, or, when
 * somebody else has appended meanwhile, where the stream ends now. Said again after an answer got lost it is kept once and
 * answers as at first: with an exact revision the server compares the ids that stand behind it.
 */
export async function appendBehind(
  { request }: Connection,
  stream: string,
  last: number,
  events: readonly EventData[],
): Promise<Kept> {
  const expectedRevision = last === EMPTY ? NO_STREAM : BigInt(last)
  try {
    const answer = await request((client) => client.appendToStream(stream, [...events], { expectedRevision }))
    return { revision: Number(answer.nextExpectedRevision) }
  } catch (error) {
    if (!(error instanceof WrongExpectedVersionError)) throw error
    return { conflict: typeof error.actualVersion === 'bigint' ? Number(error.actualVersion) : EMPTY }
  }
}

/** The revision of the last event of a stream; EMPTY when there is none. */
export async function lastRevision(connection: Connection, stream: string): Promise<number> {
  for await (const { event } of backwards(connection, stream, 1)) if (event) return Number(event.revision)
  return EMPTY
}

/** The revisions of those of the events that the server took from `since` (milliseconds since 1970) on. */
export async function findRevisions(
  connection: Connection,
  stream: string,
  ids: readonly string[],
  since: number,
): Promise<Map<string, number>> {
  const sought = new Set(ids)
  const found = new Map<string, number>()
  if (sought.size === 0) return found
  for await (const { event } of backwards(connection, stream)) {
    if (!event || event.created.getTime() < since) break
    if (sought.has(event.id)) found.set(event.id, Number(event.revision))
    if (found.size === sought.size) break
  }
  return found
}

/** At most `maxCount` events from a revision on, links followed or not. */
export function forwards(
  { read }: Connection,
  stream: string,
  from: number,
  options: { maxCount?: number; resolveLinkTos?: boolean } = {},
): AsyncGenerator<ResolvedEvent, void, void> {
  return read((client) => client.readStream(stream, { fromRevision: from === 0 ? START : BigInt(from), ...options }))
}

function backwards({ read }: Connection, stream: string, maxCount?: number): AsyncGenerator<ResolvedEvent, void, void> {
  const most = maxCount === undefined ? {} : { maxCount }
  return read((client) => client.readStream(stream, { direction: BACKWARDS, fromRevision: END, ...most }))
}
