import type { StoredEvent } from '@tributary/events'
import type { Position, RecordedEvent } from '../port.ts'
import type { Topic } from './topics.ts'

/** An event with its place, about to be written. */
export type PlacedEvent = { event: StoredEvent; bytes: number; partition: number; position: Position }

/** Without data, which a reader may have to ask for apart. */
const ATTRIBUTE_COLUMNS =
  'position, event_id, event_type, partition_key, event_time, data_version, source, subject, traceparent, recorded_time, data_bytes'

/** The columns of `toRow`. */
export const EVENT_COLUMNS = ['topic_id', 'partition_no', ...ATTRIBUTE_COLUMNS.split(', '), 'data']

export const INSERT_EVENTS = `INSERT INTO tributary_log_event (${EVENT_COLUMNS.join(', ')}) VALUES ?`

/**
 * Rows from a position on, of one or several slices of a topic, by the number of their slice. Data larger than the value after
 * that number stays behind, so an answer is never larger than that times the limit, while rows of usual size need no second query.
 */
export const selectEvents = (slices: number): string => Array<string>(slices).fill(`(${SELECT_SLICE})`).join(' UNION ALL ')

const SELECT_SLICE = `SELECT ? AS slice, ${ATTRIBUTE_COLUMNS}, IF(data_bytes <= ?, data, NULL) AS data FROM tributary_log_event
  WHERE topic_id = ? AND partition_no = ? AND position >= ? ORDER BY position LIMIT ?`

export const SELECT_DATA = 'SELECT data FROM tributary_log_event WHERE topic_id = ? AND partition_no = ? AND position = ?'

export type EventRow = {
  slice: number
  position: number
  event_id: Buffer
  event_type: string
  partition_key: string
  event_time: number
  data_version: number
  source: string
  subject: string
  traceparent: string | null
  recorded_time: number
  data_bytes: number
  data: string | null
}

/** The values of `INSERT_EVENTS` for one event. */
export function toRow(topic: Topic, { event, bytes, partition, position }: PlacedEvent, recordedTime: number): unknown[] {
  return [
    topic.id,
    partition,
    position,
    toBytes(event.id),
    event.type,
    event.partitionkey,
    Date.parse(event.time),
    event.dataversion,
    event.source,
    event.subject,
    event.traceparent ?? null,
    recordedTime,
    bytes,
    event.data,
  ]
}

/** What reading the row of a new event would give. */
export function asRecorded(topic: Topic, { event, partition, position }: PlacedEvent, recordedTime: number): RecordedEvent {
  const { id, type, source, subject, time, dataversion, partitionkey, traceparent, data } = event
  const recorded: StoredEvent = {
    ...{ specversion: '1.0', id, type, source, subject, time },
    ...{ datacontenttype: 'application/json', dataversion, partitionkey, data },
  }
  if (traceparent !== undefined) recorded.traceparent = traceparent
  return { topic: topic.name, partition, position, recordedTime, event: recorded }
}

export function fromRow(topic: Topic, partition: number, row: EventRow, data: string): RecordedEvent {
  const event: StoredEvent = {
    specversion: '1.0',
    id: toUuid(row.event_id),
    type: row.event_type,
    source: row.source,
    subject: row.subject,
    time: new Date(row.event_time).toISOString(),
    datacontenttype: 'application/json',
    dataversion: row.data_version,
    partitionkey: row.partition_key,
    data,
  }
  if (row.traceparent !== null) event.traceparent = row.traceparent
  return { topic: topic.name, partition, position: row.position, recordedTime: row.recorded_time, event }
}

export function toBytes(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex')
}

export function toUuid(bytes: Buffer): string {
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
