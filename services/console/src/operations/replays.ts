import { type PartitionReplay, readReplayProgress, startReplay } from '@tributary/delivery'
import type { RecordedEvent } from '@tributary/event-log'
import { Problem } from '@tributary/runtime'
import { type Static, Type } from 'typebox'
import type { Endpoint, ReplayPlace } from '../endpoints.ts'
import type { CheckedRequest, ConsoleContext, Operation } from '../operation.ts'
import { Count, closed, Nothing, Time } from '../schemas.ts'
import { ENDPOINT, EndpointPath, endpointOf, recordChange, unlessRefused } from './endpoints.ts'

const LAST_DATE = 8_640_000_000_000_000
const Place = Type.Union(
  [Type.Object({ time: Type.Integer({ minimum: 0, maximum: LAST_DATE }) }, closed), Type.Object({ position: Count }, closed)],
  { description: 'A moment in milliseconds since 1970, or a position, which counts in every partition.' },
)
const ReplayBody = Type.Object(
  {
    from: Place,
    to: Type.Optional({ ...Place, description: 'Before this; to where the endpoint stands when left out.' }),
    key: Type.Optional(Type.String({ minLength: 1, maxLength: 255, description: 'Only events of this partition key.' })),
    dryRun: Type.Optional(Type.Boolean({ description: 'Only tell what would be sent.' })),
  },
  closed,
)
const Found = Type.Union([
  Type.Object(
    {
      eventId: Type.String(),
      topic: Type.String(),
      partition: Type.Integer({ minimum: 0 }),
      position: Count,
      recordedTime: Time,
    },
    closed,
  ),
  Type.Null(),
])
const Figures = Type.Object(
  {
    events: Count,
    bytes: Count,
    first: Found,
    last: Found,
    seconds: Type.Union([Count, Type.Null()], {
      description: 'At the pace of its latest deliveries; null when it has had none.',
    }),
  },
  closed,
)
const Progress = Type.Object(
  { endpoint: Type.String(), done: Count, total: Type.Integer({ minimum: 0, description: 'Positions of the log.' }) },
  closed,
)

/** Milliseconds for counting, so that no call hangs: a command may take longer. */
const COUNT_TIMEOUT = 20_000

export const REPLAY_OPERATIONS: readonly Operation[] = [
  {
    ...{ method: 'post', path: `${ENDPOINT}/replay`, scope: 'operate', parameters: EndpointPath, query: Nothing },
    body: ReplayBody,
    summary: 'Delivers again, in the order of the log, what an endpoint had before; live events wait behind it.',
    answers: {
      200: { description: 'Of a dry run: what would be sent.', schema: Figures },
      202: { description: 'It has begun; `GET` tells how far it is.', schema: Progress },
    },
    run: replay,
  },
  {
    ...{ method: 'get', path: `${ENDPOINT}/replay`, scope: 'read', parameters: EndpointPath, query: Nothing },
    summary: 'How far the last replay of an endpoint is.',
    answers: { 200: { description: 'Ended when `done` is `total`.', schema: Progress } },
    async run(context, request) {
      const { name } = await endpointOf(context, request)
      const progress = await progressOf(context, name)
      if (progress) return { status: 200, body: progress }
      throw new Problem(404, 'REPLAY_UNKNOWN', 'This endpoint has had no replay.')
    },
  },
]

async function replay(context: ConsoleContext, request: CheckedRequest) {
  const endpoint = await endpointOf(context, request)
  const { from, to, key, dryRun } = request.body as Static<typeof ReplayBody>
  const plan = await endpoint.planReplay({
    from: placeOf(from),
    ...(to === undefined ? {} : { to: placeOf(to) }),
    ...(key === undefined ? {} : { key }),
  })
  if (dryRun) return { status: 200, body: await count(endpoint, plan) }
  const { name, topic } = endpoint
  if (plan.length === 0)
    throw new Problem(
      409,
      'REPLAY_EMPTY',
      'The endpoint has had nothing in that range. What it has not had yet comes by itself.',
    )
  // To know that there is anything, one is enough.
  if ((await count(endpoint, plan, 1)).events === 0)
    throw new Problem(409, 'REPLAY_EMPTY', 'Nothing in that range is for the endpoint; nothing was done.')
  await recordChange(context.database, request, 'replay', name)
  await unlessRefused(() => startReplay(context.database, { endpoint: name, topic, plan, by: request.caller.id }))
  return { status: 202, body: await progressOf(context, name) }
}

async function count(endpoint: Endpoint, plan: readonly PartitionReplay[], most?: number): Promise<Static<typeof Figures>> {
  const signal = AbortSignal.timeout(COUNT_TIMEOUT)
  try {
    const { events, bytes, first, last, seconds } = await endpoint.countReplay(plan, {
      signal,
      ...(most === undefined ? {} : { most }),
    })
    return { events, bytes, first: foundOf(first), last: foundOf(last), seconds }
  } catch (error) {
    if (!signal.aborted) throw error
    const advice = 'Ask for less, or use the command: tributary replay … --dry-run'
    throw new Problem(422, 'REPLAY_TOO_LARGE', `Counting takes longer than ${COUNT_TIMEOUT / 1_000} s. ${advice}`, {
      cause: error,
    })
  }
}

async function progressOf({ database }: ConsoleContext, endpoint: string): Promise<Static<typeof Progress> | undefined> {
  const progress = await readReplayProgress(database, endpoint)
  return progress && { endpoint, ...progress }
}

const placeOf = (place: Static<typeof Place>): ReplayPlace =>
  'time' in place ? { kind: 'time', time: place.time } : { kind: 'position', position: place.position }

const foundOf = (recorded: RecordedEvent | undefined): Static<typeof Found> =>
  recorded
    ? {
        eventId: recorded.event.id,
        topic: recorded.topic,
        partition: recorded.partition,
        position: recorded.position,
        recordedTime: recorded.recordedTime,
      }
    : null
