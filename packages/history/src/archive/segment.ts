import { hash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import type { RecordedEvent } from '@tributary/event-log'
import type { StoredEvent } from '@tributary/events'
import { HistoryError } from '../errors.ts'
import { type Segment, writeDurably } from './manifest.ts'

/** A line of a segment. `event.data` is the very text that the log holds, so that nothing is written anew on the way. */
export type ArchivedEvent = { position: number; recordedTime: number; event: StoredEvent }

const compress = promisify(gzip)
const expand = promisify(gunzip)

/** Writes consecutive events of a partition as a file, and answers what the manifest says of it. */
export async function writeSegment(
  folder: string,
  { topic, partition, from, next }: Pick<Segment, 'topic' | 'partition' | 'from' | 'next'>,
  events: readonly RecordedEvent[],
): Promise<Segment> {
  const lines = events.map(({ position, recordedTime, event }) => `${JSON.stringify({ position, recordedTime, event })}\n`)
  const content = await compress(lines.join(''))
  const file = join(topic, String(partition), `${String(from).padStart(16, '0')}.jsonl.gz`)
  await writeDurably(folder, file, content)
  return { file, topic, partition, from, next, events: events.length, sha256: hash('sha256', content, 'hex') }
}

/** The events of a segment. Throws HistoryError HISTORY_ARCHIVE_BROKEN when the file is not the one that was written. */
export async function readSegment(folder: string, segment: Segment): Promise<ArchivedEvent[]> {
  const events = (await readLines(folder, segment)).map((line) => JSON.parse(line) as ArchivedEvent)
  if (events.length !== segment.events)
    throw brokenFile(segment.file, `it holds ${events.length} events, not ${segment.events}`)
  return events
}

/** The last event of a segment that has some. Throws HistoryError HISTORY_ARCHIVE_BROKEN. */
export async function readLast(folder: string, segment: Segment): Promise<ArchivedEvent> {
  const last = (await readLines(folder, segment)).at(-1)
  if (last === undefined) throw brokenFile(segment.file, `it holds no event, not ${segment.events}`)
  return JSON.parse(last)
}

async function readLines(folder: string, segment: Segment): Promise<string[]> {
  const content = await readChecked(folder, segment)
  return content
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
}

/** The content of a segment, after its checksum. Throws HistoryError HISTORY_ARCHIVE_BROKEN. */
async function readChecked(folder: string, { file, sha256 }: { file: string; sha256: string }): Promise<Buffer> {
  const content = await readFile(join(folder, file)).catch((cause: NodeJS.ErrnoException) => {
    throw brokenFile(file, cause.code === 'ENOENT' ? 'it is missing' : 'it cannot be read', cause)
  })
  if (hash('sha256', content, 'hex') !== sha256) throw brokenFile(file, 'its checksum is not the one of the manifest')
  return await expand(content)
}

/** The error for a file that is not as the manifest says. */
export function brokenFile(file: string, why: string, cause?: unknown): HistoryError {
  return new HistoryError('HISTORY_ARCHIVE_BROKEN', `The file ${file} of the archive is broken: ${why}. Take another copy.`, {
    cause,
  })
}
