import type { EventLog } from '@tributary/event-log'
import { encodeEvent } from '@tributary/events'
import { exampleEvent } from '@tributary/events/examples'
import { createLogger } from '@tributary/runtime'
import { until } from '@tributary/test/servers'
import { expect } from 'chai'
import { createEndpoint } from './endpoint.ts'
import { untriedLane } from './lane.ts'
import { finishLanes, runLanes } from './lane-runner.ts'
import { openPartition } from './partition.ts'
import { createMemoryDatabase, memoryRows } from './testing/memory-rows.ts'
import { keyOf } from './testing/signing.ts'

const LANES = 5

describe('Lanes that are due', () => {
  it('are sent only as their turns come', async () => {
    const stopping = new AbortController()
    const database = createMemoryDatabase()
    for (let head = 0; head < LANES; head += 1) database.state.lanes.set(`key-${head}`, untriedLane(`key-${head}`, head, 0, ''))
    const sent: string[] = []
    const endpoint = createEndpoint(
      {
        ...{ name: 'endpoint', topic: 'orders', group: 'endpoint', types: ['OrderReceived'], contract: 1 },
        route: async (events) => events.map(() => 'deliver'),
        bodies: async (events) => events.map(({ id }) => id),
      },
      {
        send: async ({ body }) => {
          sent.push(body)
          return { kind: 'delivered', reason: '', status: 200, answer: '', durationMs: 0 }
        },
        close: async () => {},
      },
    )
    endpoint.retarget({ url: 'http://receiver.example', keys: [keyOf('a secret for tests only')] })
    const turns: (() => void)[] = []
    const partition = await openPartition({
      endpoint,
      owned: {
        ...{ topic: 'orders', partition: 0, signal: stopping.signal },
        fenced: (work) => database.transaction((connection) => work(connection)),
      },
      log: logOfExamples,
      logger: createLogger({ level: 'silent', format: 'json' }),
      rows: memoryRows,
      laneTurn: () => new Promise((resolve) => turns.push(resolve)),
    })
    const lanes = runLanes(partition)
    const give = async (count: number) => {
      const ended = database.state.lanes.size - count
      for (let given = 0; given < count; given += 1) {
        await until('a lane waits for its turn', () => turns.length > 0)
        turns.shift()?.()
      }
      await until('the lanes have ended', () => database.state.lanes.size <= ended)
    }
    await give(2)
    expect(sent).to.have.length(2)
    await give(3)
    expect(sent.toSorted()).to.deep.equal(Array.from({ length: LANES }, (_, head) => idOf(head)))
    stopping.abort(new Error('The test is over.'))
    await lanes
    await finishLanes(partition)
  })
})

const idOf = (position: number): string => `01890000-0000-7000-8000-00000000000${position}`

const logOfExamples = {
  read: async (_topic: string, partition: number, position: number) => ({
    events: [
      {
        ...{ topic: 'orders', partition, position, recordedTime: 0 },
        event: encodeEvent({ ...exampleEvent('OrderReceived', idOf(position), {}), partitionkey: `key-${position}` }),
      },
    ],
    next: position + 1,
  }),
} as unknown as EventLog
