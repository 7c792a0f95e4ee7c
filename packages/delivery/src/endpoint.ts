import type { Delivered } from '@tributary/consumer'
import type { Event } from '@tributary/events'
import { currentTraceparent, inSpan, traceFrom } from '@tributary/runtime'
import type { Attempt } from './attempt.ts'
import { createGate, type Gate, type GateLimits } from './gate.ts'
import { chosenInstance, type Instance } from './instances.ts'
import { measureAttempt } from './measure.ts'
import { isEndpoints, type Outcome } from './outcome.ts'
import { bodyDigest, type DeliveryRequest, deliveryRequest } from './request.ts'
import { STANDARD_SCHEDULE } from './schedule.ts'
import type { Sender } from './send.ts'
import type { SigningKey } from './signature.ts'

/** Where an endpoint is and what signs its requests: every key that is valid, the newest first; none for one that checks nothing. */
export type Target = {
  url: string
  keys: readonly SigningKey[]
  /** Where several share the requests: each try goes to one of these. */
  instances?: readonly Instance[]
}

/** `later`: it cannot be told yet whether the event is for the endpoint. */
export type Route = 'deliver' | 'pass' | 'later'

/** What a request is made of; `now` in milliseconds since 1970. */
export type RequestParts = { delivered: Delivered; body: string; target: Target; now: number; traceparent: string | undefined }

/** Somewhere we deliver to, and what to deliver. Its name is that of its consumer. */
export type EndpointDefinition = {
  name: string
  topic: string
  /** Names the group in which processes share the partitions. */
  group: string
  types: readonly Event['type'][]
  /** Version of the bodies, for `ce-dataversion`. */
  contract: number
  /** Whether each event is for this endpoint. Throws only what another try may mend. */
  route(events: readonly Event[]): Promise<Route[]>
  /**
   * What decides about an event that people may change, a seller say: whatever is for the endpoint today may not have been
   * when its cursor passed it, so that is recorded under this name, of at most 150 characters. Undefined where the event
   * itself decides for ever. Left out by an endpoint where nothing of the kind exists.
   */
  routedBy?(event: Event): string | undefined
  /**
   * The body of each event, sealed parts opened in one call. Asked again before a later try, because a person may have
   * been erased meanwhile. Throws an error whose `retriable` is false when an event can never be rendered.
   */
  bodies(events: readonly Event[]): Promise<string[]>
  /**
   * What its receiver needs in order, when that is less than all events of a partition key: a text that begins with the
   * partition key. Default the partition key.
   */
  orderKey?(event: Event): string
  /** The request for one try, where its headers or body differ from those of SPI services. */
  request?(what: RequestParts): DeliveryRequest
  /** Milliseconds for one whole try, where they differ from those of SPI services; asked at each try. */
  deadline?: number
  policy?: Partial<DeliveryPolicy>
}

/** How an endpoint is treated. Times in milliseconds. */
export type DeliveryPolicy = {
  limits: GateLimits
  schedule: readonly number[]
  /** What is delivered in order: the events of a key, nothing, or all events of a partition, one at a time. */
  order: 'key' | 'none' | 'strict'
  /**
   * When the schedule of a head is used up: `block` its lane until a person resumes it; `skip` it, to the dead letters;
   * `latest`, which skips it and all that wait but the last.
   */
  exhausted: 'block' | 'skip' | 'latest'
  /** How long one request may hold up the other keys of its batch before it is moved aside into a lane. */
  patience: number
  /** How long requests under way may go on once a partition is given up. */
  grace: number
  /** Until a `later` event, or one that could not be read for the moment, is looked at again. */
  again: number
  /** Between two looks for lanes that a person resumed. */
  resumeEvery: number
  /** Bodies older than this are rendered again before they are sent. */
  freshness: number
}

/** Ten tries over about three days, then the key is blocked until a person resumes it. */
export const SPI_POLICY: DeliveryPolicy = {
  limits: { fresh: 8, widest: 64, lane: 4, slow: 8, failingAfter: 5, probeEvery: 30_000, most: 1_000 },
  schedule: STANDARD_SCHEDULE,
  order: 'key',
  exhausted: 'block',
  patience: 500,
  grace: 2_000,
  again: 5_000,
  resumeEvery: 5_000,
  freshness: 30_000,
}

/** What happened last, for health. Times in milliseconds since 1970. */
export type LastOutcomes = {
  success: number | undefined
  failure: { time: number; kind: Outcome['kind']; reason: string } | undefined
}

/** An endpoint at work in this process, shared by all its partitions here. */
export type Endpoint = {
  readonly definition: EndpointDefinition
  readonly policy: DeliveryPolicy
  readonly gate: Gate
  readonly last: LastOutcomes
  /** The key that orders an event among those of the endpoint. */
  orderKey(event: Event): string
  /** Whether the receiver said 410 Gone; the gate is shut then. */
  isGone(): boolean
  /** Sets where to send from now on; a problem shuts the gate and keeps everything where it is. */
  retarget(target: Target | { problem: string }): void
  /** Sends an event once and learns from it. Throws only the signal's reason. Call it with a permit in hand. */
  attempt(delivered: Delivered, body: string, sending: Sending): Promise<Attempt>
}

/** Which try of a delivery it is, from 1, and whether the event was the endpoint's before and is being replayed. */
export type Sending = { attempt: number; isReplay: boolean; signal: AbortSignal }

/** An endpoint with a shut gate: give it a target. */
export function createEndpoint(definition: EndpointDefinition, sender: Sender): Endpoint {
  const policy = { ...SPI_POLICY, ...definition.policy }
  const gate = createGate(policy.limits, undefined, 'The endpoint has no address yet.')
  const last: LastOutcomes = { success: undefined, failure: undefined }
  let target: Target | undefined
  let isGone = false
  return {
    definition,
    policy,
    gate,
    last,
    orderKey: (event) => orderKeyOf(definition, policy, event),
    isGone: () => isGone,
    retarget(given) {
      isGone = false
      if ('problem' in given) return gate.shut(given.problem)
      target = given
      gate.unshut()
    },
    async attempt(delivered, body, sending) {
      // The gate was shut until there was a target, and the one before serves a request that had its permit already.
      if (!target) throw new Error('An endpoint was asked to send before it had a target.')
      const sendTo = async (one: Target): Promise<Attempt> => {
        const made = await sendTraced({ definition, sender, target: one, delivered, body, ...sending })
        const { kind, reason } = made.outcome
        measureAttempt(definition.name, made.outcome, sending.isReplay ? undefined : delivered.recordedTime)
        if (kind === 'delivered') last.success = Date.now()
        else last.failure = { time: Date.now(), kind, reason }
        return made
      }
      const made = await sendToOne(target, sendTo)
      if (made.outcome.status === GONE) {
        isGone = true
        gate.shut('The receiver answered 410 Gone.')
      }
      return made
    },
  }
}

/** Sends to one of the instances; to another when it did not get there, as only that of the last one is an outcome of the endpoint's. */
async function sendToOne(target: Target, sendTo: (target: Target) => Promise<Attempt>): Promise<Attempt> {
  const { keys, instances: [...left] = [] } = target
  while (left.length > 1) {
    const instance = chosenInstance(left)
    const made = await sendTo({ url: instance.url, keys })
    if (!isEndpoints(made.outcome)) return made
    left.splice(left.indexOf(instance), 1)
  }
  return sendTo({ url: left[0]?.url ?? target.url, keys })
}

/** Stands in an attempt where the id of the newest key would. */
const UNSIGNED = 'unsigned'

/** Standard Webhooks: the receiver wants no more, ever. */
const GONE = 410

/** The one key that everything has in strict order. */
export const STRICT_KEY = '*'

/** In none each event has its own. */
function orderKeyOf(definition: EndpointDefinition, { order }: DeliveryPolicy, event: Event): string {
  if (order === 'strict') return STRICT_KEY
  if (order === 'none') return event.id
  return definition.orderKey?.(event) ?? event.partitionkey
}

function sendTraced(
  options: Sending & { definition: EndpointDefinition; sender: Sender; target: Target; delivered: Delivered; body: string },
): Promise<Attempt> {
  const { definition, sender, target, delivered, body, attempt, isReplay, signal } = options
  const { event, position } = delivered
  // A replay is never live, however young its event is.
  const from = traceFrom([{ traceparent: event.traceparent, time: isReplay ? 0 : delivered.recordedTime }])
  return inSpan('POST', { kind: 'client', attributes: () => attributesOf(options), ...from }, async (span) => {
    const time = Date.now()
    // The receiver goes on with this request's span, never with the trace of an event that is sent again years later.
    const traceparent = currentTraceparent()
    const request =
      definition.request?.({ delivered, body, target, now: time, traceparent }) ??
      deliveryRequest({ event, body, contract: definition.contract, ...target, now: time, traceparent })
    const { deadline } = definition
    const outcome = await sender.send(request, { signal, ...(deadline === undefined ? {} : { deadline }) })
    span.note('tributary.outcome', outcome.kind)
    if (outcome.status > 0) span.note('http.response.status_code', outcome.status)
    if (outcome.kind !== 'delivered') span.fail(outcome.status >= 400 ? String(outcome.status) : outcome.kind)
    const keyId = target.keys[0]?.id ?? UNSIGNED
    return { position, eventId: event.id, attempt, time, outcome, keyId, bodyDigest: bodyDigest(request.body) }
  })
}

/** By OpenTelemetry's conventions for HTTP clients. Path and query stay out: a receiver may have put a secret there. */
function attributesOf({ definition, target, delivered, attempt }: Parameters<typeof sendTraced>[0]) {
  const { hostname, port, protocol } = new URL(target.url)
  return {
    'http.request.method': 'POST',
    'server.address': hostname,
    'server.port': Number(port) || (protocol === 'https:' ? 443 : 80),
    'url.scheme': protocol.slice(0, -1),
    ...(attempt > 1 ? { 'http.request.resend_count': attempt - 1 } : {}),
    'tributary.endpoint': definition.name,
    'tributary.event.type': delivered.event.type,
  }
}
