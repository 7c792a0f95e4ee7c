import shared from '@eventstore/db-client/generated/shared_pb.js'
import rpc from '@eventstore/db-client/generated/status_pb.js'
import type {
  AppendReq,
  AppendResp as AppendResponse,
  BatchAppendReq,
  BatchAppendResp as BatchAppendResponse,
} from '@eventstore/db-client/generated/streams_pb.js'
import streams from '@eventstore/db-client/generated/streams_pb.js'
import type { ServerDuplexStream, ServerReadableStream, sendUnaryData } from '@grpc/grpc-js'
import { status } from '@grpc/grpc-js'
import any from 'google-protobuf/google/protobuf/any_pb.js'
import empty from 'google-protobuf/google/protobuf/empty_pb.js'
import type { Faults } from './faults.ts'
import { failure, identifierOf, nameOf, proposedOf, unavailable } from './messages.ts'
import type { Expected, Outcome, Proposed, Store } from './store.ts'

type Context = { store: Store; faults: Faults; maxAppendSize: number; late: Append[] }
type Append = { stream: string; expected: Expected; events: Proposed[] }

const sizeOf = (events: readonly Proposed[]): number =>
  events.reduce((sum, { type, data, metadata }) => sum + type.length + data.length + metadata.length, 0)

/** Appends, with the fault that is due. Answers undefined when the answer gets lost. */
function perform({ store, faults, late }: Context, append: Append): Outcome | undefined {
  const { stream, expected, events } = append
  for (const earlier of late.filter((one) => one.stream === stream)) {
    late.splice(late.indexOf(earlier), 1)
    store.append(stream, earlier.expected, earlier.events)
  }
  const fault = faults.nextAppend(stream)
  if (fault === 'late') late.push(append)
  if (fault === 'before' || fault === 'late') return undefined
  const outcome = store.append(stream, expected, events)
  return fault === 'after' ? undefined : outcome
}

/** One append in a call of its own. */
export function handleAppend(context: Context) {
  return async (call: ServerReadableStream<AppendReq, AppendResponse>, answer: sendUnaryData<AppendResponse>) => {
    // Undefined when the client is gone before it said everything: nothing is kept.
    const append = await receive(call).catch(() => undefined)
    if (!append) return
    if (sizeOf(append.events) > context.maxAppendSize) return answer(tooLarge(context.maxAppendSize))
    const outcome = perform(context, append)
    if (!outcome) return answer(unavailable())
    answer(null, answerOf(outcome, append.expected))
  }
}

async function receive(call: AsyncIterable<AppendReq>): Promise<Append> {
  const append: Append = { stream: '', expected: 'any', events: [] }
  for await (const request of call) {
    const options = request.getOptions()
    const message = request.getProposedMessage()
    if (message) append.events.push(proposedOf(message))
    if (!options) continue
    append.stream = nameOf(options.getStreamIdentifier())
    append.expected = expectedOf(options, options.hasRevision() ? Number(options.getRevision()) : undefined)
  }
  return append
}

function answerOf(outcome: Outcome, expected: Expected): AppendResponse {
  if (outcome.kind === 'kept') {
    const position = new streams.AppendResp.Position()
      .setCommitPosition(String(outcome.position))
      .setPreparePosition(String(outcome.position))
    const success = new streams.AppendResp.Success().setCurrentRevision(String(outcome.revision)).setPosition(position)
    return new streams.AppendResp().setSuccess(success)
  }
  const wrong = new streams.AppendResp.WrongExpectedVersion()
  if (outcome.current < 0) wrong.setCurrentNoStream(new shared.Empty())
  else wrong.setCurrentRevision(String(outcome.current))
  if (expected === 'no_stream') wrong.setExpectedNoStream(new shared.Empty())
  else if (typeof expected === 'number') wrong.setExpectedRevision(String(expected))
  return new streams.AppendResp().setWrongExpectedVersion(wrong)
}

/** Many appends on one call, each in one or more messages under an id of its own, answered when each is complete. */
export function handleBatchAppend(context: Context) {
  return (call: ServerDuplexStream<BatchAppendReq, BatchAppendResponse>) => {
    const pending = new Map<string, Append>()
    call.on('data', (request: BatchAppendReq) => {
      const id = request.getCorrelationId()?.getString() ?? ''
      const append = pending.get(id) ?? begin(request.getOptions())
      pending.set(id, append)
      append.events.push(...request.getProposedMessagesList().map(proposedOf))
      if (!request.getIsFinal()) return
      pending.delete(id)
      const response = answerInBatch(context, append)
      if (response) call.write(response.setCorrelationId(request.getCorrelationId()))
      else call.emit('error', unavailable())
    })
    call.on('end', () => call.end())
    call.on('error', () => {})
  }
}

function begin(options: BatchAppendReq.Options | undefined): Append {
  if (!options) return { stream: '', expected: 'any', events: [] }
  const revision = options.hasStreamPosition() ? Number(options.getStreamPosition()) : undefined
  return { stream: nameOf(options.getStreamIdentifier()), expected: expectedOf(options, revision), events: [] }
}

function answerInBatch(context: Context, append: Append): BatchAppendResponse | undefined {
  const response = new streams.BatchAppendResp().setStreamIdentifier(identifierOf(append.stream))
  if (sizeOf(append.events) > context.maxAppendSize) return response.setError(sizeExceeded(context.maxAppendSize))
  const outcome = perform(context, append)
  return outcome && outcomeInBatch(response, outcome, append.expected)
}

function outcomeInBatch(response: BatchAppendResponse, outcome: Outcome, expected: Expected): BatchAppendResponse {
  if (outcome.kind === 'kept') {
    const position = new shared.AllStreamPosition()
      .setCommitPosition(String(outcome.position))
      .setPreparePosition(String(outcome.position))
    return response.setSuccess(
      new streams.BatchAppendResp.Success().setCurrentRevision(String(outcome.revision)).setPosition(position),
    )
  }
  const wrong = new shared.WrongExpectedVersion()
  if (outcome.current < 0) wrong.setCurrentNoStream(new empty.Empty())
  else wrong.setCurrentStreamRevision(String(outcome.current))
  if (expected === 'no_stream') wrong.setExpectedNoStream(new empty.Empty())
  else if (typeof expected === 'number') wrong.setExpectedStreamPosition(String(expected))
  return response.setError(statusWith(status.FAILED_PRECONDITION, wrong.serializeBinary(), 'WrongExpectedVersion'))
}

function sizeExceeded(most: number) {
  const details = new shared.MaximumAppendSizeExceeded().setMaxappendsize(most)
  return statusWith(status.INVALID_ARGUMENT, details.serializeBinary(), 'MaximumAppendSizeExceeded')
}

function statusWith(code: status, details: Uint8Array, type: string) {
  const packed = new any.Any()
  packed.pack(details, `event_store.client.${type}`)
  return new rpc.Status()
    .setCode(code as number)
    .setMessage(type)
    .setDetails(packed)
}

function tooLarge(most: number) {
  const error = failure(status.INVALID_ARGUMENT, `Maximum Append Size of ${most} Exceeded.`, 'maximum-append-size-exceeded')
  error.metadata.set('maximum-append-size', String(most))
  return error
}

function expectedOf(
  options: { hasAny(): boolean; hasNoStream(): boolean; hasStreamExists(): boolean },
  revision: number | undefined,
): Expected {
  if (revision !== undefined) return revision
  if (options.hasNoStream()) return 'no_stream'
  return options.hasStreamExists() ? 'stream_exists' : 'any'
}
