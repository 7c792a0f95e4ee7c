import type { Connection } from '@tributary/database'
import {
  type Delivery,
  listDeliveries,
  OPEN_OUTCOMES,
  readListPlace,
  readStanding,
  readTries,
  retryDelivery,
  retryLanes,
  skipHead,
  TRY_OUTCOMES,
  writeListPlace,
} from '@tributary/delivery'
import type { RecordedEvent } from '@tributary/event-log'
import { readPlaces } from '@tributary/history'
import { Problem } from '@tributary/runtime'
import { type Static, Type } from 'typebox'
import type { CheckedRequest, ConsoleContext, Operation } from '../operation.ts'
import { Count, closed, Milliseconds, Next, Nothing, PAGE, paging, Reason, Time } from '../schemas.ts'
import {
  changeRecorded,
  ENDPOINT,
  EndpointPath,
  endpointOf,
  endpointUnknown,
  recordChange,
  unlessRefused,
} from './endpoints.ts'

const DeliveryQuery = Type.Object(
  {
    endpoint: Type.Optional(EndpointPath.properties.endpoint),
    outcome: Type.Optional(
      Type.Enum([...TRY_OUTCOMES, ...OPEN_OUTCOMES], {
        description: 'Single tries that ended so; or what is not delivered: retrying, blocked, given-up.',
      }),
    ),
    since: Type.Optional(Milliseconds),
    until: Type.Optional(Milliseconds),
    cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 400, description: '`next` of the page before.' })),
    limit: paging.limit,
  },
  closed,
)
const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()])
const Listed = Type.Object(
  {
    endpoint: Type.String(),
    topic: Type.String(),
    partition: Type.Integer({ minimum: 0 }),
    position: Count,
    time: Time,
    outcome: Type.String(),
    reason: Type.String(),
    attempt: Type.Integer({ description: 'The number of the try, or how many there were.' }),
    eventId: Nullable(Type.String()),
    status: Nullable(Type.Integer()),
    durationMs: Nullable(Type.Integer()),
    key: Nullable(Type.String()),
    nextTime: Nullable(Time),
    waiting: Nullable(Count),
  },
  closed,
)
const DeliveryPage = Type.Object({ deliveries: Type.Array(Listed), next: Next }, closed)

const PlacePath = Type.Object(
  {
    ...EndpointPath.properties,
    partition: Type.String({ pattern: '^(0|[1-9][0-9]{0,8})$' }),
    position: Type.String({ pattern: '^(0|[1-9][0-9]{0,14})$' }),
  },
  closed,
)
const Try = Type.Object(
  {
    attempt: Type.Integer(),
    time: Time,
    outcome: Type.String(),
    reason: Type.String(),
    status: Type.Integer(),
    durationMs: Type.Integer(),
    keyId: Type.String(),
    bodyDigest: Type.String(),
    answer: Type.String({ description: 'What the receiver said, the first 4 KB.' }),
  },
  closed,
)
const Shown = Type.Object(
  {
    ...{ endpoint: Type.String(), topic: Type.String(), partition: Count, position: Count },
    ...{ eventId: Type.String(), type: Type.String(), recordedTime: Time },
    standing: Type.String({
      description:
        'delivered, retrying, blocked, skipped, waiting, parked, given-up, ahead (still to come), or none: not for it, or too old',
    }),
    tries: Type.Array(Try),
  },
  closed,
)
const RetryBody = Type.Object(
  { key: Type.Optional(Type.String({ minLength: 1, maxLength: 300, description: 'Only this key; all when left out.' })) },
  closed,
)
const Retried = Type.Object({ retriedKeys: Count }, closed)
const SkipBody = Type.Object({ reason: Reason }, closed)
const Settled = Type.Object({ endpoint: Type.String(), partition: Count, position: Count }, closed)

const DELIVERY = `${ENDPOINT}/deliveries/{partition}/{position}`

export const DELIVERY_OPERATIONS: readonly Operation[] = [
  {
    ...{ method: 'get', path: '/v1/deliveries', scope: 'read', parameters: Nothing, query: DeliveryQuery },
    summary: 'Single tries, the newest first; or with `outcome` what is not delivered.',
    answers: { 200: { description: 'A page of deliveries.', schema: DeliveryPage } },
    run: list,
  },
  {
    ...{ method: 'get', path: DELIVERY, scope: 'operate', parameters: PlacePath, query: Nothing },
    summary: 'One event at one endpoint: where it stands, and each try with the answer.',
    answers: { 200: { description: 'The delivery.', schema: Shown } },
    run: show,
  },
  {
    ...{ method: 'post', path: `${ENDPOINT}/retry`, scope: 'operate', parameters: EndpointPath, query: Nothing },
    body: RetryBody,
    summary: 'Tries keys again now that are blocked or wait for their next try.',
    answers: { 202: { description: 'They are tried within seconds.', schema: Retried } },
    run: retryKeys,
  },
  {
    ...{ method: 'post', path: `${DELIVERY}/retry`, scope: 'operate', parameters: PlacePath, query: Nothing },
    summary: 'Tries one delivery again now that holds up its key, or was given up.',
    answers: { 202: { description: 'It is tried within seconds.', schema: Settled } },
    run: retryOne,
  },
  {
    ...{ method: 'post', path: `${DELIVERY}/skip`, scope: 'operate', parameters: PlacePath, query: Nothing },
    body: SkipBody,
    summary: 'Gives one delivery up that holds up its key; it becomes a dead letter, and what waits behind it goes on.',
    answers: { 202: { description: 'It is given up within seconds.', schema: Settled } },
    run: skip,
  },
]

async function list({ database, endpoints }: ConsoleContext, { query }: CheckedRequest) {
  const { endpoint, outcome, since, until, cursor, limit: asked } = query as Static<typeof DeliveryQuery>
  const known = (await endpoints()).map(({ name }) => name)
  if (endpoint !== undefined && !known.includes(endpoint)) throw endpointUnknown()
  const after = cursor === undefined ? undefined : readListPlace(cursor)
  if (cursor !== undefined && !after)
    throw new Problem(400, 'PARAMETER_INVALID', "In the query, 'cursor' must be `next` of the page before.")
  const limit = Number(asked ?? PAGE)
  const found = await listDeliveries(database, {
    endpoints: endpoint === undefined ? known : [endpoint],
    limit: limit + 1,
    ...(outcome === undefined ? {} : { outcome }),
    ...(since === undefined ? {} : { since: Number(since) }),
    ...(until === undefined ? {} : { until: Number(until) }),
    ...(after ? { after } : {}),
  })
  const deliveries = found.slice(0, limit)
  const last = deliveries.at(-1)
  return { status: 200, body: { deliveries, next: last && found.length > limit ? writeListPlace(last) : null } }
}

async function show(context: ConsoleContext, request: CheckedRequest) {
  const { delivery, event } = await locate(context, request)
  const [standing, tries] = await Promise.all([readStanding(context.database, delivery), readTries(context.database, delivery)])
  await recordChange(context.database, request, 'deliveries show', nameOf(delivery))
  const { id: eventId, type } = event.event
  return { status: 200, body: { ...delivery, eventId, type, recordedTime: event.recordedTime, standing, tries } }
}

async function retryKeys(context: ConsoleContext, request: CheckedRequest) {
  const { name } = await endpointOf(context, request)
  const { key } = request.body as Static<typeof RetryBody>
  const change = ['deliveries retry', key === undefined ? name : `${name} ${key}`] as const
  const retriedKeys = await changeRecorded(context, request, change, (connection) =>
    retryLanes(connection, name, key === undefined ? {} : { key }),
  )
  if (retriedKeys === 0)
    throw new Problem(
      409,
      'DELIVERY_NOT_WAITING',
      'No such key is blocked or waits for its next try. See: GET /v1/deliveries?outcome=blocked',
    )
  return { status: 202, body: { retriedKeys } }
}

async function retryOne(context: ConsoleContext, request: CheckedRequest) {
  const { delivery, event } = await locate(context, request)
  const asked = { partitionKey: event.event.partitionkey, by: request.caller.id }
  const change = ['deliveries retry', nameOf(delivery)] as const
  const retry = (connection: Connection) => unlessRefused(() => retryDelivery(connection, delivery, asked))
  if (!(await changeRecorded(context, request, change, retry))) throw await refusal(context, delivery)
  return settled(delivery)
}

async function skip(context: ConsoleContext, request: CheckedRequest) {
  const { delivery } = await locate(context, request)
  const { reason } = request.body as Static<typeof SkipBody>
  const change = ['deliveries skip', nameOf(delivery)] as const
  if (!(await changeRecorded(context, request, change, (connection) => skipHead(connection, delivery, reason))))
    throw await refusal(context, delivery)
  return settled(delivery)
}

async function locate(context: ConsoleContext, request: CheckedRequest): Promise<{ delivery: Delivery; event: RecordedEvent }> {
  const { name: endpoint, topic } = await endpointOf(context, request)
  const path = request.path as Static<typeof PlacePath>
  const place = { partition: Number(path.partition), position: Number(path.position) }
  const isThere = place.partition < (await context.log.ends(topic)).length
  const [event] = isThere ? await readPlaces(context.log, topic, [place]) : []
  if (event) return { delivery: { endpoint, topic, ...place }, event }
  throw new Problem(404, 'EVENT_UNKNOWN', `No event stands at this place of ${topic}.`)
}

const refusal = async ({ database }: ConsoleContext, delivery: Delivery): Promise<Problem> =>
  new Problem(409, 'DELIVERY_STANDS', `That cannot be done: this delivery stands at ${await readStanding(database, delivery)}.`)

const nameOf = ({ endpoint, topic, partition, position }: Delivery): string => `${endpoint} ${topic}/${partition}/${position}`

const settled = ({ endpoint, partition, position }: Delivery) => ({ status: 202, body: { endpoint, partition, position } })
