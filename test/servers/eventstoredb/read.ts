import { once } from 'node:events'
import type { ReadReq, ReadResp as ReadResponse } from '@eventstore/db-client/generated/streams_pb.js'
import streams from '@eventstore/db-client/generated/streams_pb.js'
import type { ServerWritableStream } from '@grpc/grpc-js'
import type { Faults, Subscription } from './faults.ts'
import { eventMessage, identifierOf, nameOf, unavailable } from './messages.ts'
import type { Store, Stored } from './store.ts'

type Call = ServerWritableStream<ReadReq, ReadResponse>
type Context = { store: Store; faults: Faults }
const BACKWARDS = 1

/** Reads and subscriptions, of one stream and of `$all`, as the options of the request say. */
export function handleRead({ store, faults }: Context) {
  return async (call: Call) => {
    const gone = new AbortController()
    call.on('cancelled', () => gone.abort())
    call.on('error', () => gone.abort())
    const request = requestOf(store, call.request.getOptions() ?? new streams.ReadReq.Options())
    try {
      if (request.options.hasSubscription()) return await subscribe(call, store, faults, request, gone.signal)
      if (request.stream !== undefined && request.records().length === 0)
        await write(call, notFound(request.stream), gone.signal)
      else for (const stored of selected(request)) await write(call, eventMessage(stored, request.resolve), gone.signal)
      call.end()
    } catch (error) {
      if (!gone.signal.aborted) call.emit('error', error)
    }
  }
}

function requestOf(store: Store, options: ReadReq.Options): Request {
  const stream = options.hasStream() ? nameOf(options.getStream()?.getStreamIdentifier()) : undefined
  return {
    ...{ options, stream },
    records: () => (stream === undefined ? store.all : store.stream(stream)),
    matches: filterOf(options),
    resolve: options.getResolveLinks() ? (link) => targetOf(store, link) : undefined,
  }
}

type Request = {
  options: ReadReq.Options
  /** Undefined for `$all`. */
  stream: string | undefined
  records(): readonly Stored[]
  matches(stored: Stored): boolean
  resolve: ((link: Stored) => Stored | undefined) | undefined
}

/** A read takes what stands there when it begins, from its place on in either direction. */
function* selected({ options, records, matches }: Request): Generator<Stored> {
  const step = options.getReadDirection() === BACKWARDS ? -1 : 1
  const standing = records()
  const count = standing.length
  let left = Number(options.getCount())
  for (let at = firstIndex(standing, options, step); left > 0 && at >= 0 && at < count; at += step) {
    const stored = standing[at]
    if (!stored || !matches(stored)) continue
    left -= 1
    yield stored
  }
}

function firstIndex(standing: readonly Stored[], options: ReadReq.Options, step: 1 | -1): number {
  const place = placeOf(options)
  if (place === 'start') return step === 1 ? 0 : -1
  if (place === 'end') return step === 1 ? standing.length : standing.length - 1
  if (options.hasStream()) return step === 1 ? place : Math.min(place, standing.length - 1)
  const first = standing.findIndex(({ position }) => position >= place)
  return first === -1 ? standing.length : first
}

function placeOf(options: ReadReq.Options): number | 'start' | 'end' {
  const ofStream = options.getStream()
  if (ofStream?.hasRevision()) return Number(ofStream.getRevision())
  const ofAll = options.getAll()
  if (ofAll?.hasPosition()) return Number(ofAll.getPosition()?.getCommitPosition())
  return ofStream?.hasEnd() || ofAll?.hasEnd() ? 'end' : 'start'
}

/** A subscription begins behind its place: what stands there its reader has had. */
async function subscribe(call: Call, store: Store, faults: Faults, request: Request, gone: AbortSignal): Promise<void> {
  const dropped = new AbortController()
  const own: Subscription = { stalled: false, drop: () => dropped.abort() }
  const leave = faults.enter(own)
  const ending = AbortSignal.any([gone, dropped.signal])
  try {
    const confirmation = new streams.ReadResp.SubscriptionConfirmation().setSubscriptionId('stand-in')
    await write(call, new streams.ReadResp().setConfirmation(confirmation), ending)
    let at = startOf(request)
    for (let isCaughtUp = false; !ending.aborted; ) {
      const records = request.records()
      while (at < records.length && !own.stalled && !ending.aborted) {
        const stored = records[at++]
        if (stored && request.matches(stored)) await write(call, eventMessage(stored, request.resolve), ending)
      }
      if (!isCaughtUp) await write(call, new streams.ReadResp().setCaughtUp(new streams.ReadResp.CaughtUp()), ending)
      isCaughtUp = true
      await nextAppend(store, ending)
    }
  } finally {
    leave()
  }
  if (!gone.aborted) call.emit('error', unavailable())
}

function startOf({ options, records }: Request): number {
  const place = placeOf(options)
  if (place === 'start') return 0
  if (place === 'end') return records().length
  const first = records().findIndex((stored) => (options.hasStream() ? stored.revision : stored.position) > place)
  return first === -1 ? records().length : first
}

function nextAppend(store: Store, ending: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      forget()
      ending.removeEventListener('abort', done)
      resolve()
    }
    const forget = store.onAppend(done)
    ending.addEventListener('abort', done)
    if (ending.aborted) done()
  })
}

function filterOf(options: ReadReq.Options): (stored: Stored) => boolean {
  const filter = options.getFilter()
  const expression = filter?.getStreamIdentifier() ?? filter?.getEventType()
  if (!filter || !expression) return () => true
  const pattern = expression.getRegex() === '' ? undefined : new RegExp(expression.getRegex())
  const prefixes = expression.getPrefixList()
  return ({ stream, type }) => {
    const name = filter.hasStreamIdentifier() ? stream : type
    return pattern ? pattern.test(name) : prefixes.some((prefix) => name.startsWith(prefix))
  }
}

/** The event that a link names as `revision@stream`. */
function targetOf(store: Store, link: Stored): Stored | undefined {
  const text = Buffer.from(link.data).toString('utf8')
  const at = text.indexOf('@')
  return store.stream(text.slice(at + 1))[Number(text.slice(0, at))]
}

const notFound = (stream: string) =>
  new streams.ReadResp().setStreamNotFound(new streams.ReadResp.StreamNotFound().setStreamIdentifier(identifierOf(stream)))

/** Waits for the client when it takes no more: a server keeps nothing for a slow reader. */
async function write(call: Call, message: ReadResponse, ending: AbortSignal): Promise<void> {
  ending.throwIfAborted()
  if (!call.write(message)) await once(call, 'drain', { signal: ending })
}
