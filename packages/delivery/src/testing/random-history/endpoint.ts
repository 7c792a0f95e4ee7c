import type { ConsumerDefinition } from '@tributary/consumer'
import type { EventLog } from '@tributary/event-log'
import { encodeEvent } from '@tributary/events'
import { createLogger } from '@tributary/runtime'
import { createEndpoint, type DeliveryPolicy } from '../../endpoint.ts'
import { endpointConsumer } from '../../endpoint-consumer.ts'
import { memoryRows } from '../memory-rows.ts'
import { keyOf } from '../signing.ts'
import { pauseAtTimes, skipAtTimes } from './people.ts'
import { receive } from './receiver.ts'
import type { Process, World } from './world.ts'

const POLICY: Partial<DeliveryPolicy> = {
  limits: { fresh: 3, widest: 4, lane: 2, slow: 2, failingAfter: 3, probeEvery: 1, most: 1_000 },
  schedule: [0, 1, 0],
  patience: 2,
  grace: 2,
  again: 1,
  resumeEvery: 2,
  freshness: 1_000,
}

const target = { url: 'http://receiver.example', keys: [keyOf('a secret for tests only')] }

const logger = createLogger({ level: 'silent', format: 'json' })

export function consumerOf(world: World, process: Process): ConsumerDefinition<unknown> {
  const definition = {
    name: 'endpoint',
    topic: 'orders',
    group: 'endpoint',
    types: ['OrderReceived' as const],
    contract: 1,
    policy: {
      ...POLICY,
      order: process.order,
      exhausted: world.exhausted,
      schedule: world.exhausted === 'block' ? [0, 1, 0] : [0],
    },
    route: async (events: readonly unknown[]) =>
      events.map(() => (world.random.chance(world.trouble / 10) ? 'later' : 'deliver')),
    bodies: async (events: readonly { id: string }[]) => events.map(({ id }) => id),
  } as const
  const send = (request: { body: string }, { signal }: { signal: AbortSignal }) => receive(world, process, request.body, signal)
  const endpoint = createEndpoint(
    { ...definition, route: async (events) => [...(await definition.route(events))] },
    { send, close: async () => {} },
  )
  endpoint.retarget(target)
  void pauseAtTimes(world, process, endpoint, target)
  void skipAtTimes(world, process)
  return endpointConsumer(endpoint, { log: logOf(world), logger, rows: memoryRows })
}

const logOf = ({ parts }: World) =>
  ({
    read: async (_topic: string, partition: number, from: number) => {
      const found = parts[partition]?.events[from]
      return { events: found ? [{ ...found, event: encodeEvent(found.event) }] : [], next: from + 1 }
    },
  }) as unknown as EventLog
