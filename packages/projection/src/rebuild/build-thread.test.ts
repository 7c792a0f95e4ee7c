import { randomBytes } from 'node:crypto'
import { threadId, Worker } from 'node:worker_threads'
import { openStage, quietLogger, type Stage } from '@tributary/consumer/testing'
import { partitionOf } from '@tributary/event-log'
import { derivedEventId, encodeEvent } from '@tributary/events'
import { exampleEvent } from '@tributary/events/examples'
import { until } from '@tributary/test/servers'
import { openVault, type Vault } from '@tributary/vault'
import { expect } from 'chai'
import { COUNTING_TABLE, counting } from '../testing/counting.ts'
import type { CountingThreadData } from '../testing/counting-thread.ts'
import type { RebuildOptions } from './options.ts'
import { rebuildProjection } from './rebuild.ts'
import { latestRebuild, requestOfRebuild } from './record.ts'

const COUNTING = counting(1)
const ORDERS = 60

describe('a rebuild by several threads', function () {
  this.timeout(60_000)
  let stage: Stage
  let vault: Vault
  let threads: Worker[]
  let made: number
  const masterKey = randomBytes(32)
  beforeEach(async () => {
    threads = []
    made = 0
    stage = await openStage('threads', { partitions: 4 })
    vault = await openVault({ database: stage.database, masterKeys: [masterKey] })
    await stage.operator.query(COUNTING_TABLE)
    await append(1_800)
  })
  afterEach(async () => {
    // A thread that is still there would write on.
    expect(threads.map(({ threadId }) => threadId)).to.deep.equal(threads.map(() => -1))
    await stage.close()
  })

  async function append(count: number, orders = Array.from({ length: ORDERS }, (_, n) => String(n + 1))): Promise<void> {
    const events = Array.from({ length: count }, () => {
      const orderId = orders[made++ % orders.length] ?? ''
      const event = exampleEvent('OrderNotified', derivedEventId('threads', made), { data: { orderId, notifiedTime: made } })
      return encodeEvent({ ...event, partitionkey: orderId })
    })
    await stage.appendStored(...events)
  }
  const startThread = (given: Partial<CountingThreadData> = {}): Worker => {
    const workerData: CountingThreadData = { url: stage.url, masterKey: masterKey.toString('hex'), ...given }
    const thread = new Worker(new URL('../testing/counting-thread.ts', import.meta.url), { workerData })
    threads.push(thread)
    return thread
  }
  const rebuild = (options: Partial<RebuildOptions> = {}) =>
    rebuildProjection({
      ...{ projection: COUNTING, database: stage.database, log: stage.log, vault, logger: quietLogger, startThread },
      ...{ pace: { parallel: 2, share: 1, worthAThread: 1 }, signal: new AbortController().signal, accept: async () => true },
      ...options,
    })
  const heard = async () => {
    const rows = await stage.operator.query<{ heard: number }[]>('SELECT heard FROM counting ORDER BY id')
    return rows.map((row) => row.heard)
  }
  /** Who has built each partition, by their numbers. */
  const owners = async () => {
    const rows = await stage.operator.query<{ owner: string }[]>('SELECT owner FROM tributary_cursor ORDER BY partition_no')
    return rows.map(({ owner }) => owner)
  }

  it('makes the rows that the log says, and whoever goes on with a partition knows its keys', async () => {
    let late: string[] = []
    const accept = async () => {
      const built = await owners()
      expect(new Set(built).size).to.be.greaterThan(1)
      const partition = built.findIndex((owner) => !owner.endsWith(`/${threadId}`))
      late = Array.from({ length: ORDERS }, (_, n) => String(n + 1)).filter((orderId) => partitionOf(orderId, 4) === partition)
      // So few are built in this thread, which has never heard of them: another one has built what is before.
      await append(10 * late.length, late)
      return true
    }
    expect(await rebuild({ pace: { parallel: 3, share: 1, worthAThread: 1_000, leastPiece: 50 }, accept })).to.include({
      kind: 'done',
      generation: 2,
    })
    expect(late).not.to.deep.equal([])
    const expected = Array.from({ length: ORDERS }, (_, n) => 1_800 / ORDERS + (late.includes(String(n + 1)) ? 10 : 0))
    expect(await heard()).to.deep.equal(expected)
  })

  it('starts them while the tables are still to be made', async () => {
    const { rebuilt } = await stage.operator.transaction(async (connection) => {
      await connection.query('LOCK TABLES counting WRITE')
      const rebuilt = rebuild()
      await until('a thread is started', () => threads.length === 1)
      await connection.query('UNLOCK TABLES')
      return { rebuilt }
    })
    expect(await rebuilt).to.include({ kind: 'done' })
    expect(await heard()).to.deep.equal(Array.from({ length: ORDERS }, () => 1_800 / ORDERS))
  })

  it('starts none where there is little to build', async () => {
    expect(await rebuild({ pace: { parallel: 2, share: 1, worthAThread: 1_801 } })).to.include({ kind: 'done' })
    expect(threads).to.deep.equal([])
    expect(await heard()).to.deep.equal(Array.from({ length: ORDERS }, () => 1_800 / ORDERS))
    expect(await rebuild({ pace: { parallel: 2, share: 1, worthAThread: 1_800 } })).to.include({ kind: 'done' })
    expect(threads.length).to.equal(1)
  })

  it('fails when one of them dies, and goes on where each partition was', async () => {
    const failure = await rebuild({ startThread: () => startThread({ folds: 100 }) }).catch((error: unknown) => error)
    expect(failure).to.be.an('error').with.property('message').that.includes('ended with code 9')
    expect((await latestRebuild(stage.operator, COUNTING))?.state).to.equal('building')
    expect(await rebuild()).to.include({ kind: 'done', generation: 2 })
    expect(await heard()).to.deep.equal(Array.from({ length: ORDERS }, () => 1_800 / ORDERS))
  })

  it('says why one of them could not begin', async () => {
    const failure = await rebuild({ startThread: () => startThread({ url: 'mysql://root@127.0.0.1:1/none' }) }).catch(
      (error: unknown) => error,
    )
    expect(failure).to.have.property('code', 'DATABASE_UNAVAILABLE')
    expect(await rebuild()).to.include({ kind: 'done' })
  })

  it('pauses all of them when somebody asks, and goes on', async () => {
    let asking: Promise<unknown> | undefined
    const onEvent = () => {
      if (threads.length > 0) asking ??= requestOfRebuild(stage.operator, COUNTING, 'pause')
    }
    expect(await rebuild({ pace: { parallel: 2, share: 0.01, worthAThread: 1 }, onEvent })).to.include({ kind: 'paused' })
    await asking
    expect(await rebuild()).to.include({ kind: 'done' })
    expect(await heard()).to.deep.equal(Array.from({ length: ORDERS }, () => 1_800 / ORDERS))
  })
})
