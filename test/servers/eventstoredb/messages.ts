import type { StreamIdentifier } from '@eventstore/db-client/generated/shared_pb.js'
import shared from '@eventstore/db-client/generated/shared_pb.js'
import type { AppendReq, BatchAppendReq, ReadResp as ReadResponse } from '@eventstore/db-client/generated/streams_pb.js'
import streams from '@eventstore/db-client/generated/streams_pb.js'
import type { ServiceError } from '@grpc/grpc-js'
import { Metadata, status } from '@grpc/grpc-js'
import type { Proposed, Stored } from './store.ts'

const TICKS_PER_MILLISECOND = 10_000n

export const uuid = (id: string) => new shared.UUID().setString(id)

export function nameOf(identifier: StreamIdentifier | undefined): string {
  return Buffer.from(identifier?.getStreamName_asU8() ?? []).toString('utf8')
}

export const identifierOf = (stream: string) => new shared.StreamIdentifier().setStreamName(Buffer.from(stream))

export function proposedOf(message: AppendReq.ProposedMessage | BatchAppendReq.ProposedMessage): Proposed {
  const attributes = message.getMetadataMap()
  return {
    id: message.getId()?.getString() ?? '',
    type: attributes.get('type') ?? '',
    contentType: attributes.get('content-type') ?? '',
    data: message.getData_asU8(),
    metadata: message.getCustomMetadata_asU8(),
  }
}

/** The answer that carries an event; a link is followed when it is asked for and its event is there. */
export function eventMessage(stored: Stored, resolve: ((link: Stored) => Stored | undefined) | undefined): ReadResponse {
  const isLink = stored.type === '$>' && resolve !== undefined
  const event = isLink ? resolve(stored) : stored
  const read = new streams.ReadResp.ReadEvent().setCommitPosition(String(stored.position))
  if (event) read.setEvent(recordOf(event))
  if (isLink) read.setLink(recordOf(stored))
  return new streams.ReadResp().setEvent(read)
}

function recordOf(stored: Stored) {
  const record = new streams.ReadResp.ReadEvent.RecordedEvent()
    .setId(uuid(stored.id))
    .setStreamIdentifier(identifierOf(stored.stream))
    .setStreamRevision(String(stored.revision))
    .setCommitPosition(String(stored.position))
    .setPreparePosition(String(stored.position))
    .setData(stored.data)
    .setCustomMetadata(stored.metadata)
  record
    .getMetadataMap()
    .set('type', stored.type)
    .set('content-type', stored.contentType)
    .set('created', String(BigInt(stored.created) * TICKS_PER_MILLISECOND))
  return record
}

/** A failure as the server tells it; `exception` is the name that clients go by. */
export function failure(code: status, details: string, exception?: string): ServiceError {
  const metadata = new Metadata()
  if (exception !== undefined) metadata.set('exception', exception)
  return Object.assign(new Error(details), { code, details, metadata })
}

export const unavailable = () => failure(status.UNAVAILABLE, 'The stand-in was told to break this call.')
