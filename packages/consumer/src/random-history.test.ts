import type { EventLog, Slice } from '@tributary/event-log'
import { ORDER_TOPIC, sellerKey } from '@tributary/events'
import { createRandom, type Random } from '@tributary/test/random'
import { until } from '@tributary/test/servers'
import { expect } from 'chai'
import { takeOver } from './cursor.ts'
import { listParked, type RunningConsumer, readCursors, requeue, skip, startConsumer } from './index.ts'
import { type Effect, effectsConsumer, openStage, quietLogger, type Stage } from './testing/stage.ts'

const SEED = Number(process.env['TRIBUTARY_TEST_SEED'] ?? Date.now() % 1_000_000)
const PARTITIONS = 3
const KEYS = ['a', 'b', 'c', 'd', 'e', 'f']
const STEPS = 60

/**
 * Events of six keys are appended while everything that can happen to a consumer happens in random order. The model is
 * small: what was appended by key, and what an operator skipped. In the end the effects must be exactly that, in order.
 */
describe(`a consumer in a random history (seed ${SEED})`, () => {
  it('applies every event of every key once and in order, those apart that were skipped', async () => {
    const stage = await openStage('history', { partitions: PARTITIONS })
    const history = beginHistory(stage, createRandom(SEED))
    try {
      for (let step = 0; step < STEPS; step += 1) await history.step()
      await history.settle()
      await history.check()
    } finally {
      await history.stop()
      await stage.close()
    }
  }).timeout(60_000)
})

function beginHistory(stage: Stage, random: Random) {
  const skipped = new Set<string>()
  const bad = new Set<string>()
  const members = new Map<string, RunningConsumer>()
  const log = forgetful(stage.log, random)
  let made = 0

  const fail = (effects: readonly Effect[]): void => {
    if (effects.some(({ value }) => bad.has(value))) throw Object.assign(new Error('poison'), { code: 'TEST_POISON' })
  }
  const start = (member: string): void => {
    const definition = effectsConsumer({
      member,
      batchSize: random.from(1, 5),
      preparesAhead: random.from(0, 1) === 1,
      apply: fail,
    })
    members.set(member, startConsumer({ definition, database: stage.database, log, logger: quietLogger }))
  }
  const stopMember = async (member: string): Promise<void> => {
    await members.get(member)?.stop()
    members.delete(member)
  }
  const append = async (): Promise<void> => {
    const key = random.pick(KEYS)
    const values = Array.from({ length: random.from(1, 8) }, (_, n) => `${key}${made + n}`)
    made += values.length
    for (const value of values) if (random.from(1, 12) === 1) bad.add(value)
    await stage.append(key, ...values)
  }
  const skipOne = async (): Promise<void> => {
    const parked = await listParked(stage.operator, { consumer: 'effects' })
    if (parked.length === 0) return
    const { key, partition, position } = random.pick(parked)
    if ((await stage.operator.transaction((connection) => skip(connection, 'effects', key, position))) === 'skipped')
      skipped.add(`${partition}:${position}`)
  }
  const requeueOne = async (): Promise<void> => {
    const parked = await listParked(stage.operator, { consumer: 'effects' })
    if (random.from(1, 2) === 1) bad.clear()
    if (parked.length > 0) await requeue(stage.operator, 'effects', random.pick(parked).key)
  }
  const steal = async (): Promise<void> => {
    await takeOver(
      stage.operator,
      { consumer: 'effects', topic: ORDER_TOPIC, partition: random.from(0, PARTITIONS - 1) },
      'thief',
    )
  }
  const toggleMember = async (): Promise<void> => {
    const member = random.pick(['one', 'two'])
    if (members.has(member)) await stopMember(member)
    else start(member)
  }
  const steps = [
    append,
    append,
    append,
    append,
    skipOne,
    requeueOne,
    requeueOne,
    steal,
    toggleMember,
    () => stage.killConnections(),
  ]

  return {
    step: async () => random.pick(steps)(),
    /** Heals everything, then waits until nothing is left to do. */
    settle: async () => {
      bad.clear()
      if (members.size === 0) start('one')
      // An owner learns of a thief at its next event.
      for (const key of KEYS) await stage.append(key, `${key} last`)
      await until('all is applied and nothing parked', async () => {
        for (const { state, key } of await listParked(stage.operator))
          if (state === 'parked') await requeue(stage.operator, 'effects', key)
        const cursors = await readCursors(stage.operator, 'effects', ORDER_TOPIC)
        const ends = await stage.operatorLog.ends(ORDER_TOPIC)
        const isBehind = ends.some((end, partition) => (cursors[partition]?.next ?? 0) < end)
        return !isBehind && (await listParked(stage.operator)).length === 0
      })
    },
    check: async () => {
      const effects = await stage.effects()
      for (const key of KEYS) {
        const ofKey = effects.filter((effect) => effect.key === key)
        const expected = await appendedOf(stage, key, skipped)
        expect(
          ofKey.map(({ value }) => value),
          `effects of ${key}`,
        ).to.deep.equal(expected)
      }
    },
    stop: () => Promise.all([...members.keys()].map(stopMember)),
  }
}

/** What the log holds of a key, without what was skipped. */
async function appendedOf({ operatorLog }: Stage, key: string, skipped: ReadonlySet<string>): Promise<string[]> {
  const values: string[] = []
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const { events } = await operatorLog.read(ORDER_TOPIC, partition, 0, { limit: 10_000 })
    for (const { position, event } of events) {
      if (event.partitionkey !== sellerKey(1, key) || skipped.has(`${partition}:${position}`)) continue
      values.push(JSON.parse(event.data).spiServerCodes[0])
    }
  }
  return values
}

/** A log that now and then begins a slice before what was read, or hands out an older one again, as a rebalance may. */
function forgetful(log: EventLog, random: Random): EventLog {
  return {
    ...log,
    follow: ({ follower, ...options }) => {
      const older = (partition: number, before: number, limit: number) =>
        log.read(options.topic, partition, Math.max(0, before - random.from(1, 20)), { limit: Math.max(1, limit) })
      const batch: typeof follower.batch = async (partition, slice, left) => {
        const [first] = slice.events
        const dice = random.from(1, 3)
        if (dice === 1 && first) {
          const { events } = await older(partition, first.position, 20)
          const overlap = events.filter(({ position }) => position < first.position)
          return follower.batch(partition, { ...slice, events: [...overlap, ...slice.events] }, left)
        }
        await follower.batch(partition, slice, left)
        if (dice === 2) {
          const again = await older(partition, slice.next, random.from(1, 5))
          await follower.batch(partition, upTo(slice.next, again), left)
        }
      }
      return log.follow({ ...options, follower: { ...follower, batch } })
    },
  }
}

const upTo = (end: number, { events, next }: Slice): Slice => ({
  events: events.filter(({ position }) => position < end),
  next: Math.min(next, end),
})
