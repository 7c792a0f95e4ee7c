import { countParked, lagOf, readAllCursors } from '@tributary/consumer'
import type { Connection } from '@tributary/database'
import { countLanesByEndpoint, DeliveryError, readEndpointStates, setEndpointState } from '@tributary/delivery'
import { recordAccess } from '@tributary/history'
import { Problem } from '@tributary/runtime'
import { type Static, Type } from 'typebox'
import type { Endpoint } from '../endpoints.ts'
import type { CheckedRequest, ConsoleContext, Operation } from '../operation.ts'
import { Count, closed, Nothing, Reason, Time } from '../schemas.ts'

const EndpointName = Type.String({ minLength: 1, maxLength: 300, description: '`endpoint` of `GET /v1/endpoints`.' })
export const EndpointPath = Type.Object({ endpoint: EndpointName }, closed)
export const ENDPOINT = '/v1/endpoints/{endpoint}'

const EndpointView = Type.Object(
  {
    endpoint: Type.String(),
    topic: Type.String(),
    state: Type.Enum(['active', 'paused', 'disabled']),
    since: Type.Union([Time, Type.Null()], { description: 'When somebody decided so; null when nobody ever did.' }),
    reason: Type.String(),
    lag: Type.Integer({ minimum: 0, description: 'Positions between its cursors and the end of the log.' }),
    retryingKeys: Count,
    blockedKeys: Count,
    waitingEvents: Count,
    parkedKeys: { ...Count, description: 'Keys with an event that cannot be read, or made a request of.' },
  },
  closed,
)
const Endpoints = Type.Object({ endpoints: Type.Array(EndpointView) }, closed)
const Decided = Type.Object({ endpoint: Type.String(), state: Type.Enum(['active', 'paused', 'disabled']) }, closed)
const PauseBody = Type.Object(
  {
    reason: Reason,
    disable: Type.Optional(Type.Boolean({ description: 'As one that is not expected back; the same, but shown so.' })),
  },
  closed,
)
const Tested = Type.Object(
  {
    endpoint: Type.String(),
    outcome: Type.String({ description: '`delivered`, or how it failed.' }),
    reason: Type.String(),
    status: Type.Integer({ description: 'Of the HTTP answer; 0 when there was none.' }),
    durationMs: Type.Integer(),
    answer: Type.String({ description: 'The first 4 KB.' }),
  },
  closed,
)

/** Milliseconds within which a test must have ended, whatever the deadline of the endpoint. */
const TEST_TIMEOUT = 25_000

export const ENDPOINT_OPERATIONS: readonly Operation[] = [
  {
    ...{ method: 'get', path: '/v1/endpoints', scope: 'read', parameters: Nothing, query: Nothing },
    summary: 'Whom we deliver to: SPI services of `eg_spi` and webhooks of the configuration.',
    answers: { 200: { description: 'Every endpoint.', schema: Endpoints } },
    run: async (context) => ({ status: 200, body: { endpoints: await listEndpoints(context) } }),
  },
  {
    ...{ method: 'post', path: `${ENDPOINT}/pause`, scope: 'operate', parameters: EndpointPath, query: Nothing },
    body: PauseBody,
    summary: 'Sends nothing to an endpoint; it stands at its cursor, and gets everything, in order, once resumed.',
    answers: { 200: { description: 'Every dispatcher heeds it within seconds.', schema: Decided } },
    run(context, request) {
      const { reason, disable } = request.body as Static<typeof PauseBody>
      return decide(context, request, { state: disable ? 'disabled' : 'paused', reason })
    },
  },
  {
    ...{ method: 'post', path: `${ENDPOINT}/resume`, scope: 'operate', parameters: EndpointPath, query: Nothing },
    summary: 'Sends again to an endpoint that was paused, disabled, or answered 410.',
    answers: { 200: { description: 'Every dispatcher heeds it within seconds.', schema: Decided } },
    run: (context, request) => decide(context, request, { state: 'active', reason: '' }),
  },
  {
    ...{ method: 'post', path: `${ENDPOINT}/test`, scope: 'operate', parameters: EndpointPath, query: Nothing },
    summary: 'Sends one message that is marked as a test, also to an endpoint that is paused; no cursor moves.',
    answers: { 200: { description: 'What came of it, also when it was not delivered.', schema: Tested } },
    run: test,
  },
]

/** The endpoint that the path names. Throws Problem 404. */
export async function endpointOf({ endpoints }: ConsoleContext, { path }: CheckedRequest): Promise<Endpoint> {
  const { endpoint: name } = path as Static<typeof EndpointPath>
  const found = (await endpoints()).find((one) => one.name === name)
  if (found) return found
  throw endpointUnknown()
}

export const endpointUnknown = (): Problem =>
  new Problem(404, 'ENDPOINT_UNKNOWN', 'There is no endpoint of this name. See: GET /v1/endpoints')

/** Runs what sets an endpoint back. Throws Problem 409 when that cannot be done as things stand. */
export async function unlessRefused<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof DeliveryError) throw new Problem(409, 'REPLAY_REFUSED', error.message, { cause: error })
    throw error
  }
}

/** Writes down who changed what of an endpoint: in the transaction of the change, or before it, so that none goes unrecorded. */
export const recordChange = (
  connection: Connection,
  { caller }: CheckedRequest,
  action: string,
  target: string,
): Promise<void> => recordAccess(connection, { actor: caller.id, action, target })

/** Makes a change and, if it was one, writes it down in the same transaction. Answers what `change` answers. */
export function changeRecorded<T>(
  { database }: ConsoleContext,
  request: CheckedRequest,
  [action, target]: readonly [string, string],
  change: (connection: Connection) => Promise<T>,
): Promise<T> {
  return database.transaction(async (connection) => {
    const changed = await change(connection)
    if (changed) await recordChange(connection, request, action, target)
    return changed
  })
}

async function listEndpoints({ endpoints, database, log }: ConsoleContext): Promise<Static<typeof EndpointView>[]> {
  const [known, states, lanes, cursors, parked] = await Promise.all([
    endpoints(),
    readEndpointStates(database),
    countLanesByEndpoint(database),
    readAllCursors(database),
    countParked(database),
  ])
  const ends = new Map<string, number[]>()
  for (const topic of new Set(known.map((endpoint) => endpoint.topic))) ends.set(topic, await log.ends(topic))
  return known.map(({ name, topic }) => {
    const { state = 'active', since = null, reason = '' } = states.get(name) ?? {}
    const { retrying = 0, blocked = 0, waiting = 0 } = lanes.get(name) ?? {}
    const own = cursors.filter((cursor) => cursor.consumer === name && cursor.topic === topic)
    const lag = lagOf(ends.get(topic) ?? [], own)
    const parkedKeys = parked.get(name) ?? 0
    const trouble = { retryingKeys: retrying, blockedKeys: blocked, waitingEvents: waiting, parkedKeys }
    return { endpoint: name, topic, state, since, reason, lag, ...trouble }
  })
}

async function decide(
  context: ConsoleContext,
  request: CheckedRequest,
  { state, reason }: { state: Static<typeof Decided>['state']; reason: string },
) {
  const { name } = await endpointOf(context, request)
  const set = (connection: Connection) => setEndpointState(connection, { name, state, reason })
  if (!(await changeRecorded(context, request, [`endpoint ${state}`, name], set)))
    throw new Problem(409, 'ENDPOINT_STATE', `The endpoint is ${state} already.`)
  return { status: 200, body: { endpoint: name, state } }
}

async function test(context: ConsoleContext, request: CheckedRequest) {
  const endpoint = await endpointOf(context, request)
  const { name } = endpoint
  const tested = await endpoint.test(AbortSignal.timeout(TEST_TIMEOUT))
  if (tested.kind === 'unready') throw new Problem(409, 'ENDPOINT_UNREADY', tested.problem)
  const { kind: outcome, reason, status, durationMs, answer } = tested.outcome
  await recordChange(context.database, request, 'endpoint test', name)
  return { status: 200, body: { endpoint: name, outcome, reason, status, durationMs, answer } }
}
