import { listParked, readCursors } from '@tributary/consumer'
import { countLanes, readEndpointStates } from '@tributary/delivery'
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

async function listConsumers({ database, log }: ConsoleContext): Promise<Static<typeof Consumer>[]> {
  const names = await database.query<{ name: string; topic: string; delivers: number }[]>(
    `SELECT DISTINCT c.consumer AS name, c.topic,
       EXISTS (SELECT 1 FROM tributary_delivery_attempt a WHERE a.endpoint = c.consumer) AS delivers
     FROM tributary_cursor c ORDER BY c.consumer, c.topic`,
  )
  const ends = new Map<string, number[]>()
  for (const topic of new Set(names.map((one) => one.topic))) ends.set(topic, await log.ends(topic))
  const states = await readEndpointStates(database)
  return Promise.all(
    names.map(async ({ name, topic, delivers }) => {
      const cursors = await readCursors(database, name, topic)
      const lag = (ends.get(topic) ?? []).reduce((sum, end, partition) => {
        const next = cursors.find((cursor) => cursor.partition === partition)?.next ?? 0
        return sum + Math.max(0, end - next)
      }, 0)
      const movedTime = Math.max(0, ...cursors.map(({ updatedTime }) => updatedTime))
      const parkedKeys = (await listParked(database, { consumer: name })).length
      const isEndpoint = Number(delivers) === 1 || states.has(name)
      return { name, topic, lag, movedTime, parkedKeys, delivery: isEndpoint ? await deliveryOf(name) : null }
    }),
  )

  async function deliveryOf(name: string) {
    const { state, reason } = states.get(name) ?? { state: 'active' as const, reason: '' }
    const { retrying, blocked, waiting } = await countLanes(database, name)
    return { state, reason, retryingKeys: retrying, blockedKeys: blocked, waitingEvents: waiting }
  }
}
