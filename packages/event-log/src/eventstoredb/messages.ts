import type { BinaryEventData, ResolvedEvent } from '@eventstore/db-client'
import { derivedEventId, type StoredEvent } from '@tributary/events'
import type { RecordedEvent } from '../port.ts'

/** A colon stands in no topic's name, so no stream of one topic is ever taken for another's. */
export const keyStream = (topic: string, key: string): string => `${topic}:key-${key}`
export const partitionStream = (topic: string, partition: number): string => `${partitionPrefix(topic)}${partition}`
export const partitionPrefix = (topic: string): string => `${topic}:partition-`
export const topicStream = (topic: string): string => `${topic}:topic`

const BYTES = 'application/octet-stream'
/** The type by which EventStoreDB knows a link; its data is `revision@stream`. */
const LINK = '$>'

/**
 * An event for the stream of its key. The attributes of CloudEvents are metadata. The data goes as bytes: the client's JSON
 * is parsed and written anew, and the log gives back what it was given.
 */
export function toMessage({ id, type, data, ...attributes }: StoredEvent): BinaryEventData {
  return { id, type, contentType: BYTES, data: Buffer.from(data), metadata: attributes }
}

/** A link for the stream of a partition. Its id is not the event's: the server remembers for each id one stream only. */
export function toLink(eventId: string, target: { stream: string; revision: number }): BinaryEventData {
  return {
    id: linkIdOf(eventId),
    type: LINK,
    contentType: BYTES,
    data: Buffer.from(`${target.revision}@${target.stream}`),
    metadata: undefined,
  }
}

export const linkIdOf = (eventId: string): string => derivedEventId('link', eventId)

/** Undefined for what is no event of ours: somebody else wrote it, or the event behind the link is gone. */
export function toRecorded(topic: string, partition: number, { link, event }: ResolvedEvent): RecordedEvent | undefined {
  if (!link || !event || link.id !== linkIdOf(event.id) || !(event.data instanceof Uint8Array)) return undefined
  const { source, subject, time, dataversion, partitionkey, traceparent } = (event.metadata ?? {}) as Partial<StoredEvent>
  if (!source || subject === undefined || !time || dataversion === undefined || partitionkey === undefined) return undefined
  return {
    topic,
    partition,
    position: Number(link.revision),
    recordedTime: link.created.getTime(),
    event: {
      specversion: '1.0',
      ...{ id: event.id, type: event.type, source, subject, time },
      datacontenttype: 'application/json',
      dataversion,
      partitionkey,
      ...(traceparent === undefined ? {} : { traceparent }),
      data: Buffer.from(event.data).toString('utf8'),
    },
  }
}
