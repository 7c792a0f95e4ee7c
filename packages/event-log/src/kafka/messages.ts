import type { StoredEvent } from '@tributary/events'
import type { IHeaders, Message } from 'kafkajs'
import type { RecordedEvent } from '../port.ts'

/** CloudEvents' binary mode over Kafka: attributes are `ce_` headers, the data is the value, the key the partition key. */
const PREFIX = 'ce_'
const CONTENT_TYPE = 'content-type'

/** A message as kafkajs gives it. */
export type FetchedMessage = {
  offset: string
  timestamp: string
  key: Buffer | null
  value: Buffer | null
  headers?: IHeaders | undefined
}

export function toMessage({ data, datacontenttype, traceparent, ...attributes }: StoredEvent, partition: number): Message {
  const headers: IHeaders = { [CONTENT_TYPE]: datacontenttype }
  for (const [name, value] of Object.entries(attributes)) headers[`${PREFIX}${name}`] = String(value)
  // By its own name, as the distributed tracing extension of CloudEvents and every consumer's tracing has it.
  if (traceparent !== undefined) headers['traceparent'] = traceparent
  return { key: attributes.partitionkey, value: data, headers, partition }
}

/** Undefined for a message that is no event of ours: somebody else wrote into the topic. */
export function toRecorded(topic: string, partition: number, message: FetchedMessage): RecordedEvent | undefined {
  const { offset, timestamp, value, headers = {} } = message
  const attribute = (name: string) => headers[`${PREFIX}${name}`]?.toString()
  const [id, type, source, subject, time, version, key] = [
    'id',
    'type',
    'source',
    'subject',
    'time',
    'dataversion',
    'partitionkey',
  ].map(attribute)
  if (!id || !type || !source || subject === undefined || !time || !version || key === undefined || !value) return undefined
  const traceparent = headers['traceparent']?.toString()
  return {
    topic,
    partition,
    position: Number(offset),
    recordedTime: Number(timestamp),
    event: {
      specversion: '1.0',
      ...{ id, type, source, subject, time },
      datacontenttype: 'application/json',
      dataversion: Number(version),
      partitionkey: key,
      ...(traceparent === undefined ? {} : { traceparent }),
      data: value.toString('utf8'),
    },
  }
}
