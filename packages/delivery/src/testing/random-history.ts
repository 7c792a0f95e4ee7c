import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises'
import type { ConsumerDefinition, Delivered, OwnedPartition } from '@tributary/consumer'
import { randomNumbers } from '@tributary/consumer/testing'
import type { Connection } from '@tributary/database'
import type { EventLog } from '@tributary/event-log'
import { derivedEventId, encodeEvent } from '@tributary/events'
import { exampleEvent } from '@tributary/events/examples'
import { createLogger } from '@tributary/runtime'
import { createEndpoint, type DeliveryPolicy } from '../endpoint.ts'
import { endpointConsumer } from '../endpoint-consumer.ts'
import type { Outcome } from '../outcome.ts'
import { signingKey } from '../signature.ts'
import { createMemoryDatabase, type MemoryDatabase } from './memory-rows.ts'

/** One endpoint on one partition, a receiver that misbehaves, and a process that dies, stalls or stops at any moment. */
export type History = {
  crashes: number
  zombies: number
  stops: number
  sends: number
  duplicates: number
  inversions: number
  lost: number
  repeated: number
}

type World = {
  readonly random: Random
  readonly database: MemoryDatabase
  readonly events: readonly Delivered[]
  /** Positions in the order in which the receiver first took them. */
  readonly taken: number[]
  /** Chance that a send goes wrong, and that a step of the database is the last of its process. */
  trouble: number
  danger: number
  readonly history: History
  readonly processes: Process[]
}

type Random = ReturnType<typeof randomNumbers>

const chance = (random: Random, probability: number): boolean => random.from(0, 9_999) < probability * 10_000

const POLICY: Partial<DeliveryPolicy> = {
  limits: { fresh: 3, widest: 4, lane: 2, slow: 2, failingAfter: 3, probeEvery: 1, most: 1_000 },
  schedule: [0, 1, 0],
  patience: 2,
  grace: 2,
  again: 1,
  resumeEvery: 2,
  freshness: 1_000,
}

const made = signingKey('a secret for tests only')
if (made.kind !== 'key') throw new Error(made.problem)
const { key } = made
const logger = createLogger({ level: 'silent', format: 'json' })

/** Plays the history of a seed to its calm end. Throws when that does not come. */
export async function playHistory(seed: number): Promise<History> {
  const world = createWorld(seed)
  const { random, history } = world
  for (let life = random.from(0, 5); life > 0; life -= 1) await live(world, (process) => process.over)
  world.trouble = 0
  world.danger = 0
  await live(world, () => untilCalm(world))
  for (const process of world.processes) process.stopping.abort(new Error('the end'))
  judge(world)
  return history
}

function createWorld(seed: number): World {
  const random = randomNumbers(seed)
  const keys = 1 + random.from(0, 4)
  const events = Array.from({ length: 5 + random.from(0, 24) }, (_, position): Delivered => {
    const event = {
      ...exampleEvent('OrderReceived', derivedEventId(seed, position)),
      partitionkey: `key-${random.from(0, keys - 1)}`,
    }
    return { topic: 'orders', partition: 0, position, recordedTime: 0, event }
  })
  const history = { crashes: 0, zombies: 0, stops: 0, sends: 0, duplicates: 0, inversions: 0, lost: 0, repeated: 0 }
  const trouble = random.from(0, 60) / 100
  const danger = random.from(1, 100) / 1_000
  return { random, database: createMemoryDatabase(), events, taken: [], trouble, danger, history, processes: [] }
}

/** A process from its start to its end, or beyond: a zombie goes on while the next already lives. */
type Process = {
  readonly epoch: number
  readonly stopping: AbortController
  /** Resolves when the process is dead, stalled, or told to stop. */
  readonly over: Promise<void>
  end(): void
  isDead: boolean
}

async function live(world: World, until: (process: Process) => Promise<void>): Promise<void> {
  const { random, database, history } = world
  const { promise, resolve } = Promise.withResolvers<void>()
  const epoch = await database.transaction(async (_, state) => {
    state.epoch += 1
    return state.epoch
  })
  const process: Process = { epoch, stopping: new AbortController(), over: promise, end: resolve, isDead: false }
  world.processes.push(process)
  const running = run(world, process)
  if (world.danger > 0) void wait(random.from(0, 29)).then(resolve)
  await Promise.race([until(process), running])
  const fate = world.danger === 0 ? 0 : random.from(0, 2)
  if (process.isDead || fate === 1) {
    process.isDead = true
    process.stopping.abort(new Error('dead'))
    history.crashes += 1
  } else if (fate === 2) {
    // It does not know yet that its time is over.
    history.zombies += 1
  } else {
    process.stopping.abort(new Error('stop'))
    await running
    history.stops += 1
  }
}

/** The consumer's loop in short: one batch ahead, applied in turns, the cursor fenced. */
async function run(world: World, process: Process): Promise<void> {
  const consumer = consumerOf(world, process)
  const owned: OwnedPartition = {
    topic: 'orders',
    partition: 0,
    signal: process.stopping.signal,
    fenced: (work) => transact(world, process, (connection) => work(connection)),
  }
  try {
    await consumer.assigned?.(owned)
    await follow(world, process, consumer)
  } catch {
    // Fenced, dead or stopped: whatever is not committed is the next one's.
    process.stopping.abort(new Error('gone'))
  }
  await consumer.revoked?.(0)
  process.end()
}

async function follow<P>(world: World, process: Process, consumer: ConsumerDefinition<P>): Promise<void> {
  const { random, events, database } = world
  const { signal } = process.stopping
  let applying: Promise<void> = Promise.resolve()
  for (let position = database.state.cursor; position < events.length; ) {
    signal.throwIfAborted()
    const from = position
    const batch = events.slice(from, from + 1 + random.from(0, 5))
    const to = from + batch.length
    const prepared = await consumer.prepare(batch, signal)
    await applying
    applying = applyBatch(world, process, { from, to }, (connection) => consumer.apply(connection, prepared)).then(() =>
      consumer.committed?.(0, to),
    )
    applying.catch(() => process.stopping.abort(new Error('gone')))
    position = to
  }
  await applying
  await nothingUntil(signal)
}

/** A fenced transaction, before or after whose commit the process may die, or merely lose its connection. */
async function transact<T>(
  world: World,
  process: Process,
  work: (connection: Connection, state: MemoryDatabase['state']) => Promise<T>,
): Promise<T> {
  const { random, database, danger } = world
  const answer = await database.transaction(async (connection, state) => {
    await dawdle(world)
    if (process.isDead || state.epoch !== process.epoch) throw new Error('fenced')
    const result = await work(connection, state)
    if (chance(random, danger)) die(process)
    if (chance(random, danger)) loseConnection()
    return result
  })
  if (chance(random, danger)) die(process)
  if (chance(random, danger)) loseConnection()
  return answer
}

/** The process is dead: nothing that waits for this goes on. */
function die(process: Process): never {
  process.isDead = true
  process.end()
  throw new Error('dead')
}

function loseConnection(): never {
  throw Object.assign(new Error('connection lost'), { retriable: true })
}

/** Applies a batch once, whatever becomes of connections: the cursor tells whether a try went through. */
async function applyBatch(
  world: World,
  process: Process,
  { from, to }: { from: number; to: number },
  apply: (connection: Connection) => Promise<void>,
): Promise<void> {
  for (;;) {
    try {
      return await transact(world, process, async (connection, state) => {
        if (state.cursor === to) return
        if (state.cursor !== from) throw new Error('fenced')
        state.cursor = to
        await apply(connection)
      })
    } catch (error) {
      if (!(error instanceof Error && 'retriable' in error)) throw error
    }
  }
}

const dawdle = async ({ random }: World): Promise<void> => {
  for (let turns = random.from(0, 2); turns > 0; turns -= 1) await turn()
}

function consumerOf(world: World, process: Process): ConsumerDefinition<unknown> {
  const definition = {
    name: 'endpoint',
    topic: 'orders',
    group: 'endpoint',
    types: ['OrderReceived' as const],
    contract: 1,
    policy: POLICY,
    route: async (events: readonly unknown[]) =>
      events.map(() => (chance(world.random, world.trouble / 10) ? 'later' : 'deliver')),
    bodies: async (events: readonly { id: string }[]) => events.map(({ id }) => id),
  } as const
  const send = (request: { body: string }, { signal }: { signal: AbortSignal }) => receive(world, process, request.body, signal)
  const endpoint = createEndpoint(
    { ...definition, route: async (events) => [...(await definition.route(events))] },
    { send, close: async () => {} },
  )
  endpoint.retarget({ url: 'http://receiver.example', key })
  return endpointConsumer(endpoint, { log: logOf(world), logger, rows: world.database.rows })
}

const logOf = ({ events }: World) =>
  ({
    read: async (_topic: string, _partition: number, from: number) => {
      const found = events[from]
      return { events: found ? [{ ...found, event: encodeEvent(found.event) }] : [], next: from + 1 }
    },
  }) as unknown as EventLog

/** The receiver and the way to it: a request may be late, get lost, or be taken while its answer gets lost. */
async function receive(world: World, process: Process, id: string, signal: AbortSignal): Promise<Outcome> {
  const { random, trouble, taken, history } = world
  const position = world.events.findIndex(({ event }) => event.id === id)
  history.sends += 1
  noteRepetition(world, process, position)
  await dawdle(world)
  if (chance(random, trouble / 4)) await wait(random.from(0, 5))
  if (process.isDead) return nothingUntil(signal)
  const isLost = chance(random, trouble)
  const isAnswered = !isLost && !chance(random, trouble / 4)
  if (!isLost) {
    if (taken.includes(position)) history.duplicates += 1
    else taken.push(position)
  }
  await dawdle(world)
  signal.throwIfAborted()
  const came = { status: isAnswered ? 200 : 0, answer: '', durationMs: 0 }
  return isAnswered ? { kind: 'delivered', reason: '', ...came } : { kind: 'failed', reason: 'lost', ...came }
}

/** A dead process sends nothing more, and its promises end with it. */
function nothingUntil(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

/** The owner must not send what is written down as delivered. A zombie may: it does not know. */
function noteRepetition({ database, history }: World, process: Process, position: number): void {
  const { state } = database
  if (process.epoch !== state.epoch || process.isDead) return
  if (state.attempts.some((attempt) => attempt.position === position && attempt.outcome.kind === 'delivered'))
    history.repeated += 1
}

async function untilCalm({ database, events, taken }: World): Promise<void> {
  for (let patience = 0; patience < 3_000; patience += 1) {
    const { state } = database
    if (taken.length === events.length && state.cursor === events.length && state.lanes.size === 0 && state.waiting.size === 0)
      return
    await resumeBlocked(database)
    await wait(1)
  }
  const { cursor, lanes, waiting } = database.state
  throw new Error(
    `No calm: cursor ${cursor} of ${events.length}, taken ${taken.length}, ${lanes.size} lanes, ${waiting.size} with waiting.`,
  )
}

/** What a person does about blocked lanes. */
async function resumeBlocked(database: MemoryDatabase): Promise<void> {
  if (![...database.state.lanes.values()].some(({ state }) => state === 'blocked')) return
  await database.transaction(async (_, state) => {
    for (const lane of state.lanes.values()) {
      if (lane.state === 'blocked') state.lanes.set(lane.key, { ...lane, state: 'retrying', failures: 0, nextTime: 0 })
    }
  })
}

function judge({ events, taken, history }: World): void {
  const highest = new Map<string, number>()
  for (const position of taken) {
    const partitionKey = events[position]?.event.partitionkey ?? ''
    if (position < (highest.get(partitionKey) ?? -1)) history.inversions += 1
    highest.set(partitionKey, Math.max(position, highest.get(partitionKey) ?? -1))
  }
  history.lost = events.length - taken.length
}
