import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises'
import type { ConsumerDefinition, Delivered, OwnedPartition } from '@tributary/consumer'
import { randomNumbers } from '@tributary/consumer/testing'
import type { Connection } from '@tributary/database'
import type { EventLog } from '@tributary/event-log'
import { derivedEventId, type Event, encodeEvent } from '@tributary/events'
import { exampleEvent } from '@tributary/events/examples'
import { createLogger } from '@tributary/runtime'
import { createEndpoint, type DeliveryPolicy, type Endpoint } from '../endpoint.ts'
import { endpointConsumer } from '../endpoint-consumer.ts'
import { ADDRESS_REFUSED, type Outcome } from '../outcome.ts'
import { createMemoryDatabase, type MemoryDatabase, memoryRows } from './memory-rows.ts'
import { keyOf } from './signing.ts'

/**
 * One endpoint on two partitions, paused at times, a person who skips heads, a receiver that misbehaves, and a process that
 * dies, stalls or stops at any moment.
 */
export type History = {
  crashes: number
  zombies: number
  stops: number
  pauses: number
  skips: number
  givenUp: number
  sends: number
  duplicates: number
  inversions: number
  lost: number
  repeated: number
}

/** A partition: its events, the endpoint's rows, and the positions in the order in which the receiver first took them. */
type Part = {
  readonly number: number
  readonly database: MemoryDatabase
  readonly events: readonly Delivered[]
  readonly taken: number[]
}

type World = {
  readonly random: Random
  readonly parts: readonly Part[]
  readonly exhausted: DeliveryPolicy['exhausted']
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

const keys = [keyOf('a secret for tests only')]
const logger = createLogger({ level: 'silent', format: 'json' })

/** Plays the history of a seed to its calm end. Throws when that does not come. */
export async function playHistory(seed: number): Promise<History> {
  const world = createWorld(seed)
  const { random, history } = world
  for (let life = random.from(0, 4); life > 0; life -= 1) await live(world, (process) => process.over)
  world.trouble = 0
  world.danger = 0
  await live(world, () => untilCalm(world))
  for (const process of world.processes) process.stopping.abort(new Error('the end'))
  for (const part of world.parts) judge(part, history)
  return history
}

function createWorld(seed: number): World {
  const random = randomNumbers(seed)
  const parts = [0, 1].map((number) => createPart(random, number))
  const counts = { crashes: 0, zombies: 0, stops: 0, pauses: 0, skips: 0, givenUp: 0, sends: 0, duplicates: 0 }
  const history = { ...counts, inversions: 0, lost: 0, repeated: 0 }
  const trouble = random.from(0, 60) / 100
  const danger = random.from(1, 100) / 1_000
  const exhausted = (['block', 'skip', 'latest'] as const)[random.from(0, 2)] ?? 'block'
  return { random, parts, exhausted, trouble, danger, history, processes: [] }
}

/** Made once for all histories: to check an event against its schema takes longer than to deliver it. */
const examples = new Map<string, Event>()

function example(number: number, position: number): Event {
  const name = `${number} ${position}`
  const known = examples.get(name) ?? exampleEvent('OrderReceived', derivedEventId(name))
  examples.set(name, known)
  return known
}

function createPart(random: Random, number: number): Part {
  const keys = 1 + random.from(0, 2)
  const events = Array.from({ length: 2 + random.from(0, 7) }, (_, position): Delivered => {
    const event = {
      ...example(number, position),
      partitionkey: `key-${number}-${random.from(0, keys - 1)}`,
    }
    return { topic: 'orders', partition: number, position, recordedTime: 0, event }
  })
  return { number, database: createMemoryDatabase(), events, taken: [] }
}

/** A process from its start to its end, or beyond: a zombie goes on while the next already lives. */
type Process = {
  /** By partition. */
  readonly epochs: readonly number[]
  readonly stopping: AbortController
  /** Resolves when the process is dead, stalled, or told to stop. */
  readonly over: Promise<void>
  end(): void
  isDead: boolean
  /** Requests and transactions until its fate comes. */
  steps: number
}

async function live(world: World, until: (process: Process) => Promise<void>): Promise<void> {
  const { random, parts, history } = world
  const { promise, resolve } = Promise.withResolvers<void>()
  const epochs = await Promise.all(
    parts.map(({ database }) =>
      database.transaction(async (_, state) => {
        state.epoch += 1
        return state.epoch
      }),
    ),
  )
  const process: Process = {
    epochs,
    stopping: new AbortController(),
    over: promise,
    end: resolve,
    isDead: false,
    steps: random.from(0, 50),
  }
  world.processes.push(process)
  const running = run(world, process)
  // Where nothing happens any more, as when all is blocked, time ends it.
  if (world.danger > 0) void wait(IDLE).then(resolve)
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

/** The consumer's loop in short: one batch ahead, applied in turns, the cursor fenced; both partitions at once. */
async function run(world: World, process: Process): Promise<void> {
  const consumer = consumerOf(world, process)
  await Promise.all(world.parts.map((part) => runPart(world, process, part, consumer)))
  process.end()
}

async function runPart<P>(world: World, process: Process, part: Part, consumer: ConsumerDefinition<P>): Promise<void> {
  const owned: OwnedPartition = {
    topic: 'orders',
    partition: part.number,
    signal: process.stopping.signal,
    fenced: (work) => transact(world, process, part, (connection) => work(connection)),
  }
  try {
    await consumer.assigned?.(owned)
    await follow(world, process, part, consumer)
  } catch {
    // Fenced, dead or stopped: whatever is not committed is the next one's.
    process.stopping.abort(new Error('gone'))
  }
  await consumer.revoked?.(part.number)
}

async function follow<P>(world: World, process: Process, part: Part, consumer: ConsumerDefinition<P>): Promise<void> {
  const { random } = world
  const { events, database, number } = part
  const { signal } = process.stopping
  let applying: Promise<void> = Promise.resolve()
  for (let position = database.state.cursor; position < events.length; ) {
    signal.throwIfAborted()
    const from = position
    const batch = events.slice(from, from + 1 + random.from(0, 5))
    const to = from + batch.length
    const prepared = await consumer.prepare(batch, signal)
    await applying
    applying = applyBatch(world, process, part, { from, to }, (connection) => consumer.apply(connection, prepared)).then(() =>
      consumer.committed?.(number, to),
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
  { database, number }: Part,
  work: (connection: Connection, state: MemoryDatabase['state']) => Promise<T>,
): Promise<T> {
  const { random, danger } = world
  step(world, process)
  const answer = await database.transaction(async (connection, state) => {
    await dawdle(world)
    if (process.isDead || state.epoch !== process.epochs[number]) throw new Error('fenced')
    const result = await work(connection, state)
    if (chance(random, danger)) die(process)
    if (chance(random, danger)) loseConnection()
    return result
  })
  if (chance(random, danger)) die(process)
  if (chance(random, danger)) loseConnection()
  return answer
}

/** Milliseconds. */
const IDLE = 200

/** In work, not in time: how fast the machine is decides nothing. */
function step({ danger }: World, process: Process): void {
  process.steps -= 1
  if (process.steps < 0 && danger > 0) process.end()
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
  part: Part,
  { from, to }: { from: number; to: number },
  apply: (connection: Connection) => Promise<void>,
): Promise<void> {
  for (;;) {
    try {
      return await transact(world, process, part, async (connection, state) => {
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
    policy: { ...POLICY, exhausted: world.exhausted, schedule: world.exhausted === 'block' ? [0, 1, 0] : [0] },
    route: async (events: readonly unknown[]) =>
      events.map(() => (chance(world.random, world.trouble / 10) ? 'later' : 'deliver')),
    bodies: async (events: readonly { id: string }[]) => events.map(({ id }) => id),
  } as const
  const send = (request: { body: string }, { signal }: { signal: AbortSignal }) => receive(world, process, request.body, signal)
  const endpoint = createEndpoint(
    { ...definition, route: async (events) => [...(await definition.route(events))] },
    { send, close: async () => {} },
  )
  endpoint.retarget({ url: 'http://receiver.example', keys })
  void pauseAtTimes(world, process, endpoint)
  void skipAtTimes(world, process)
  return endpointConsumer(endpoint, { log: logOf(world), logger, rows: memoryRows })
}

/** A person pauses the endpoint now and then, and resumes it. */
async function pauseAtTimes(world: World, process: Process, endpoint: Endpoint): Promise<void> {
  const { random, history } = world
  if (world.danger === 0 || !chance(random, 0.3)) return
  await wait(random.from(0, 10))
  endpoint.retarget({ problem: 'paused' })
  history.pauses += 1
  await wait(random.from(0, 10))
  if (!process.isDead) endpoint.retarget({ url: 'http://receiver.example', keys })
}

/** A person gives up heads of lanes, whatever their owner is just doing with them. */
async function skipAtTimes(world: World, process: Process): Promise<void> {
  const { random, parts, history } = world
  if (world.danger === 0 || !chance(random, 0.5)) return
  for (let times = random.from(1, 4); times > 0; times -= 1) {
    await wait(random.from(0, 5))
    if (process.isDead || world.danger === 0) return
    for (const { database } of parts)
      await database.transaction(async (_, state) => {
        const [lane] = state.lanes.values()
        if (!lane) return
        state.lanes.set(lane.key, { ...lane, state: 'skipped', reason: 'skipped', nextTime: 0 })
        history.skips += 1
      })
  }
}

const logOf = ({ parts }: World) =>
  ({
    read: async (_topic: string, partition: number, from: number) => {
      const found = parts[partition]?.events[from]
      return { events: found ? [{ ...found, event: encodeEvent(found.event) }] : [], next: from + 1 }
    },
  }) as unknown as EventLog

/** The receiver and the way to it: a request may be late, get lost, or be taken while its answer gets lost. */
async function receive(world: World, process: Process, id: string, signal: AbortSignal): Promise<Outcome> {
  const { random, trouble, history } = world
  const { part, position } = placeOf(world, id)
  const { taken } = part
  history.sends += 1
  step(world, process)
  noteRepetition(world, process, part, position)
  await dawdle(world)
  if (chance(random, trouble / 4)) await wait(random.from(0, 5))
  if (process.isDead) return nothingUntil(signal)
  if (chance(random, trouble / 10))
    return { kind: 'address-refused', reason: ADDRESS_REFUSED, status: 0, answer: '', durationMs: 0 }
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

function placeOf({ parts }: World, id: string): { part: Part; position: number } {
  for (const part of parts) {
    const position = part.events.findIndex(({ event }) => event.id === id)
    if (position >= 0) return { part, position }
  }
  throw new Error(`Nobody knows the event ${id}.`)
}

/** A dead process sends nothing more, and its promises end with it. */
function nothingUntil(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

/** The owner must not send what is written down as delivered. A zombie may: it does not know. */
function noteRepetition({ history }: World, process: Process, { database, number }: Part, position: number): void {
  const { state } = database
  if (process.epochs[number] !== state.epoch || process.isDead) return
  if (state.attempts.some((attempt) => attempt.position === position && attempt.outcome.kind === 'delivered'))
    history.repeated += 1
}

async function untilCalm({ parts }: World): Promise<void> {
  for (let patience = 0; patience < 6_000; patience += 1) {
    if (parts.every(isCalm)) return
    await Promise.all(parts.map(({ database }) => resumeBlocked(database)))
    await wait(1)
  }
  const told = parts.map(({ database: { state }, events, taken }) => {
    const { cursor, lanes, waiting } = state
    return `cursor ${cursor} of ${events.length}, taken ${taken.length}, ${lanes.size} lanes, ${waiting.size} with waiting`
  })
  throw new Error(`No calm: ${told.join('; ')}.`)
}

const isCalm = ({ database: { state }, events }: Part): boolean =>
  state.cursor === events.length && state.lanes.size === 0 && state.waiting.size === 0

/** What a person does about blocked lanes. */
async function resumeBlocked(database: MemoryDatabase): Promise<void> {
  if (![...database.state.lanes.values()].some(({ state }) => state === 'blocked')) return
  await database.transaction(async (_, state) => {
    for (const lane of state.lanes.values()) {
      if (lane.state === 'blocked') state.lanes.set(lane.key, { ...lane, state: 'retrying', failures: 0, nextTime: 0 })
    }
  })
}

/** What was given up is neither lost nor out of order when it comes late, from a process that knew nothing of it. */
function judge({ database, events, taken }: Part, history: History): void {
  const givenUp = new Set(database.state.deadLetters)
  const highest = new Map<string, number>()
  for (const position of taken) {
    if (givenUp.has(position)) continue
    const partitionKey = events[position]?.event.partitionkey ?? ''
    if (position < (highest.get(partitionKey) ?? -1)) history.inversions += 1
    highest.set(partitionKey, Math.max(position, highest.get(partitionKey) ?? -1))
  }
  history.givenUp += givenUp.size
  history.lost += events.filter(({ position }) => !taken.includes(position) && !givenUp.has(position)).length
}
