import { countParked, lagOf, readAllCursors } from '@tributary/consumer'
import { countLanesByEndpoint, readEndpointStates } from '@tributary/delivery'
import { type Static, Type } from 'typebox'
import type { ConsoleContext, Operation } from '../operation.ts'
import { closed, Nothing, Time } from '../schemas.ts'

const Consumer = Type.Object(
  {
    name: Type.String(),
    topic: Type.String(),
    lag: Type.Integer({ minimum: 0, description: 'Positions between its cursors and the end of the log.' }),
    movedTime: Time,
    parkedKeys: Type.Integer({ minimum: 0 }),
    delivery: Type.Union(
      [
        Type.Object(
          {
            state: Type.Enum(['active', 'paused', 'disabled']),
            reason: Type.String(),
            retryingKeys: Type.Integer({ minimum: 0 }),
            blockedKeys: Type.Integer({ minimum: 0 }),
            waitingEvents: Type.Integer({ minimum: 0 }),
          },
          closed,
        ),
        Type.Null(),
      ],
      { description: 'null for one that delivers to nobody.' },
    ),
  },
  closed,
)
const Health = Type.Object({ consumers: Type.Array(Consumer) }, closed)

export const FLOW_OPERATIONS: readonly Operation[] = [
  {
    ...{ method: 'get', path: '/v1/health', scope: 'read', parameters: Nothing, query: Nothing },
    summary: 'How far every consumer of the log and every endpoint has come, and what stands still.',
    answers: { 200: { description: 'Every consumer.', schema: Health } },
    run: async (context) => ({ status: 200, body: { consumers: await listConsumers(context) } }),
  },
]

async function listConsumers({ database, log, configuration }: ConsoleContext): Promise<Static<typeof Consumer>[]> {
  const [cursors, parked, lanes, states] = await Promise.all([
    readAllCursors(database),
    countParked(database),
    countLanesByEndpoint(database),
    readEndpointStates(database),
  ])
  const ends = new Map<string, number[]>()
  for (const topic of new Set(cursors.map((cursor) => cursor.topic))) ends.set(topic, await log.ends(topic))
  const { orderSpi, weworkEventWebhook } = configuration.consumerGroups
  // An endpoint is a consumer whose name begins with its group.
  const isEndpoint = (name: string) => [orderSpi, weworkEventWebhook].some((group) => name.startsWith(`${group}:`))

  function deliveryOf(name: string) {
    const { state, reason } = states.get(name) ?? { state: 'active' as const, reason: '' }
    const { retrying = 0, blocked = 0, waiting = 0 } = lanes.get(name) ?? {}
    return { state, reason, retryingKeys: retrying, blockedKeys: blocked, waitingEvents: waiting }
  }

  return [...Map.groupBy(cursors, ({ consumer, topic }) => `${consumer} ${topic}`).values()].flatMap((ofConsumer) => {
    const [first] = ofConsumer
    if (!first) return []
    const { consumer: name, topic } = first
    return {
      ...{ name, topic, parkedKeys: parked.get(name) ?? 0 },
      lag: lagOf(ends.get(topic) ?? [], ofConsumer),
      movedTime: Math.max(0, ...ofConsumer.map(({ updatedTime }) => updatedTime)),
      delivery: isEndpoint(name) ? deliveryOf(name) : null,
    }
  })
}
