import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { readCursors } from '@tributary/consumer'
import { openStage, type Stage, storedEvent } from '@tributary/consumer/testing'
import { ORDER_TOPIC } from '@tributary/events'
import { expect } from 'chai'
import { createRandom, type Random } from '../random.ts'
import { until } from '../servers/index.ts'

const SEED = Number(process.env['TRIBUTARY_TEST_SEED'] ?? Date.now() % 1_000_000)
const PARTITIONS = 6
const KEYS = 40
const KILLS = 10
const EVENTS_A_KILL = 250

/**
 * Three processes share a consumer. After a random number of effects the owner of a random partition is killed with
 * SIGKILL, in the middle of whatever it is doing, and another starts; so partitions move all the time.
 */
describe(`members killed at random moments (seed ${SEED})`, () => {
  it('apply every event once, in the order of its key', async () => {
    const random = createRandom(SEED)
    const stage = await openStage('kill', { partitions: PARTITIONS })
    const members = new Map<number, ChildProcess>()
    const appended = new Map<string, number>()
    const start = () => {
      const member = startMember(stage, `member${members.size + 1}`)
      members.set(member.pid ?? 0, member)
    }
    try {
      for (let count = 0; count < 3; count += 1) start()
      for (let kill = 1; kill <= KILLS; kill += 1) {
        await append(stage, random, appended)
        const enough = kill * EVENTS_A_KILL - random.from(0, EVENTS_A_KILL)
        await until(`${enough} effects are there`, async () => (await countEffects(stage)) >= enough)
        const victim = members.get(await ownerOf(stage, random.from(0, PARTITIONS - 1)))
        if (victim) await end(victim)
        start()
      }
      await until('all is through', () => isThrough(stage))
      await check(stage, appended)
    } finally {
      await Promise.all([...members.values()].map(end))
      await stage.close()
    }
  }).timeout(120_000)
})

function startMember({ url }: Stage, name: string): ChildProcess {
  const program = join(import.meta.dirname, 'consumer-member.ts')
  return spawn(process.execPath, [program, url, name, String(PARTITIONS)], { stdio: ['ignore', 'inherit', 'inherit'] })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** Appends events in small commits, each key's numbered in order, and counts them in `appended`. */
async function append(stage: Stage, random: Random, appended: Map<string, number>): Promise<void> {
  for (let left = EVENTS_A_KILL; left > 0; ) {
    const events = Array.from({ length: Math.min(left, random.from(1, 30)) }, () => {
      const key = `seller${random.from(1, KEYS)}`
      const count = (appended.get(key) ?? 0) + 1
      appended.set(key, count)
      return storedEvent(
        key,
        String(count),
        [...appended.values()].reduce((sum, one) => sum + one),
      )
    })
    left -= events.length
    await stage.appendStored(...events)
  }
}

const countEffects = async ({ operator }: Stage): Promise<number> => {
  const [row] = await operator.query<{ count: number }[]>('SELECT COUNT(*) AS count FROM test_effect')
  return row?.count ?? 0
}

/** The process that took a partition over last. */
async function ownerOf({ operator }: Stage, partition: number): Promise<number> {
  const [row] = await operator.query<{ owner: string }[]>('SELECT owner FROM tributary_cursor WHERE partition_no = ?', [
    partition,
  ])
  return Number(row?.owner.split('/').at(-1))
}

async function isThrough(stage: Stage): Promise<boolean> {
  const ends = await stage.operatorLog.ends(ORDER_TOPIC)
  const cursors = await readCursors(stage.operator, 'effects', ORDER_TOPIC)
  return ends.every((position, partition) => cursors[partition]?.next === position)
}

async function check(stage: Stage, appended: ReadonlyMap<string, number>): Promise<void> {
  const effects = await stage.effects()
  const members = new Set(effects.map(({ member }) => member))
  expect(members.size, 'members that applied something').to.be.greaterThan(4)
  for (const [key, count] of appended) {
    const values = effects.filter((effect) => effect.key === key).map(({ value }) => Number(value))
    expect(values, `effects of ${key}`).to.deep.equal(Array.from({ length: count }, (_, index) => index + 1))
  }
}
