import { openDatabase } from '@tributary/database'
import { ORDER_TOPIC } from '@tributary/events'
import { expect } from 'chai'
import type { Projection } from '../definition.ts'
import { counting } from '../testing/counting.ts'
import { type CountingStage, openCountingStage } from '../testing/counting-stage.ts'
import { abortRebuild } from './abort.ts'
import type { PartitionProgress } from './build.ts'
import { checksumTable } from './compare.ts'
import { readGeneration } from './generation.ts'
import type { RebuildEvent } from './options.ts'
import { latestRebuild, requestOfRebuild } from './record.ts'
import { rollBackRebuild } from './roll-back.ts'

const LIVE = counting(1)

describe('a rebuild', function () {
  this.timeout(60_000)
  let counted: CountingStage
  let stage: CountingStage['stage']
  beforeEach(async () => {
    counted = await openCountingStage('rebuild')
    stage = counted.stage
  })
  afterEach(() => counted.close())

  const append: CountingStage['append'] = (count) => counted.append(count)
  const startLive = () => counted.startLive(LIVE)
  const untilLiveIsThrough = () => counted.untilLiveIsThrough()
  const rebuild: CountingStage['rebuild'] = (projection, options) => counted.rebuild(projection, options)
  const verified: CountingStage['verified'] = (projection) => counted.verified(projection)
  const tables = () => counted.tables()

  it('makes equal tables, swaps them in, and lets the live consumer go on with them', async () => {
    await append(500)
    startLive()
    await untilLiveIsThrough()
    const before = await checksumTable(stage.operator, 'counting')
    const outcome = await rebuild(LIVE, { accept: async (found) => found.every(({ differing }) => differing === 0) })
    expect(outcome).to.include({ kind: 'done', generation: 2, isNewVersion: false })
    expect(await checksumTable(stage.operator, 'counting')).to.deep.equal(before)
    expect(await tables()).to.deep.equal([
      'counting: as the contract says',
      'counting__old_1: as the contract says',
      'tributary_generation_counting: generation 2',
      'tributary_generation_counting__old_1: generation 1',
    ])
    await append(100)
    await untilLiveIsThrough()
    expect(await verified(LIVE)).to.deep.equal([])
  })

  it('parks the key of an event that cannot be applied, and builds all others', async () => {
    const firstOfEach = 40
    await append(200)
    const fold: Projection['fold'] = (state, event) => {
      if (event.type === 'OrderNotified' && event.data.orderId === '7' && event.data.notifiedTime > firstOfEach)
        throw new Error('No.')
      return LIVE.fold(state, event)
    }
    expect(await rebuild({ ...LIVE, fold })).to.include({ kind: 'done' })
    const rows = await stage.operator.query<{ heard: number }[]>('SELECT heard FROM counting ORDER BY id')
    expect(rows.map(({ heard }) => heard)).to.deep.equal(Array.from({ length: 40 }, (_, n) => (n + 1 === 7 ? 1 : 5)))
    const parked = await stage.operator.query("SELECT event_key FROM tributary_parked_key WHERE consumer = 'counting'")
    expect(parked).to.deep.equal([{ event_key: '7' }])
  })

  it('tells from the beginning how far every partition has to go', async () => {
    await append(90)
    const told: PartitionProgress[][] = []
    await rebuild(LIVE, {
      pace: { parallel: 1, share: 1 },
      onEvent: (event) => event.kind === 'progress' && told.push(event.partitions),
    })
    const ends = await stage.log.ends(ORDER_TOPIC)
    const [first] = told.filter((partitions) => partitions.length > 0)
    expect(first?.map(({ to }) => to)).to.deep.equal(ends)
    expect(told.at(-1)?.map(({ next }) => next)).to.deep.equal(ends)
  })

  it('tells what a changed fold would change before it swaps, and leaves all as it is when that is refused', async () => {
    await append(200)
    startLive()
    await untilLiveIsThrough()
    const outcome = await rebuild(counting(10), { accept: async () => false })
    expect(outcome.kind).to.equal('refused')
    const [comparison] = outcome.kind === 'refused' ? outcome.comparisons : []
    expect(comparison).to.include({ table: 'counting', differing: 40 })
    expect(comparison?.differences[0]?.changes).to.deep.equal([{ column: 'heard', live: 5, rebuilt: 50 }])
    expect(await readGeneration(stage.operator, LIVE)).to.equal(1)
    expect(await verified(LIVE)).to.deep.equal([])
    expect(await abortRebuild({ projection: LIVE, database: stage.database })).to.equal('aborted')
    expect(await tables()).to.deep.equal(['counting: as the contract says', 'tributary_generation_counting: generation 1'])
  })

  it('brings a column that a release adds, while the release before goes on writing', async () => {
    await append(200)
    startLive()
    await untilLiveIsThrough()
    const next = counting(1, [{ column: 'last_heard', definition: 'BIGINT NOT NULL DEFAULT 0' }])
    expect((await rebuild(next)).kind).to.equal('done')
    await append(40)
    await untilLiveIsThrough()
    const rows = await stage.operator.query<{ heard: number; last_heard: number }[]>('SELECT heard, last_heard FROM counting')
    expect(rows.every(({ heard, last_heard }) => heard === 6 && last_heard > 0)).to.equal(true)
  })

  it('rolls back to the tables before, which then get what came since', async () => {
    await append(200)
    startLive()
    await untilLiveIsThrough()
    await rebuild(counting(10))
    const { signal } = new AbortController()
    expect(await rollBackRebuild({ projection: LIVE, database: stage.database, signal })).to.include({ generation: 1 })
    await append(40)
    await untilLiveIsThrough()
    expect(await verified(LIVE)).to.deep.equal([])
    expect(await tables()).to.deep.equal(['counting: as the contract says', 'tributary_generation_counting: generation 1'])
    expect((await rebuild(LIVE)).kind).to.equal('done')
    expect(await verified(LIVE)).to.deep.equal([])
  })

  it('rolls back although a rebuild behind it, which only compared, was given up', async () => {
    await append(200)
    startLive()
    await untilLiveIsThrough()
    expect(await rebuild(counting(10))).to.include({ generation: 2 })
    expect(await rebuild(LIVE, { accept: async () => false })).to.include({ kind: 'refused', generation: 3 })
    await abortRebuild({ projection: LIVE, database: stage.database })
    const { signal } = new AbortController()
    expect(await rollBackRebuild({ projection: LIVE, database: stage.database, signal })).to.include({ generation: 1 })
    await untilLiveIsThrough()
    expect(await verified(LIVE)).to.deep.equal([])
    expect(await tables()).to.deep.equal(['counting: as the contract says', 'tributary_generation_counting: generation 1'])
    expect(await rebuild(LIVE)).to.include({ kind: 'done', generation: 4 })
  })

  it('rolls back where nothing comes any more, and what came since is applied all the same', async () => {
    await append(200)
    startLive()
    await untilLiveIsThrough()
    await rebuild(LIVE)
    await append(40)
    await untilLiveIsThrough()
    const { signal } = new AbortController()
    await rollBackRebuild({ projection: LIVE, database: stage.database, signal })
    await untilLiveIsThrough()
    expect(await verified(LIVE)).to.deep.equal([])
  })

  it('lets one of two win that are started at once', async () => {
    await append(300)
    startLive()
    const both = await Promise.allSettled([rebuild(LIVE), rebuild(LIVE)])
    const reasons = both.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []))
    expect(reasons).to.deep.equal(['PROJECTION_REBUILD_REFUSED'])
    await untilLiveIsThrough()
    expect(await verified(LIVE)).to.deep.equal([])
  })

  it('pauses and aborts when somebody asks, and goes on where it was', async () => {
    await append(2_000)
    startLive()
    /** Rebuilds slowly and asks once, as soon as there is progress. */
    const rebuildAndAsk = async (what: 'pause' | 'abort') => {
      let asking: Promise<unknown> | undefined
      const onEvent = ({ kind }: RebuildEvent) => {
        if (kind === 'progress') asking ??= requestOfRebuild(stage.operator, LIVE, what)
      }
      const outcome = await rebuild(LIVE, { pace: { parallel: 1, share: 0.02 }, onEvent })
      await asking
      return outcome
    }
    const paused = await rebuildAndAsk('pause')
    expect(paused.kind).to.equal('paused')
    expect((await latestRebuild(stage.operator, LIVE))?.state).to.equal('building')
    expect(await requestOfRebuild(stage.operator, LIVE, 'abort')).to.equal('idle')
    // The runner that was asked for this has gone without hearing of it.
    await stage.operator.query("UPDATE tributary_rebuild SET requested = 'pause'")
    expect(await rebuildAndAsk('abort')).to.include({ kind: 'aborted', generation: paused.generation })
    expect((await rebuild(LIVE)).kind).to.equal('done')
    expect(await requestOfRebuild(stage.operator, LIVE, 'pause')).to.equal('unknown')
    await untilLiveIsThrough()
    expect(await verified(LIVE)).to.deep.equal([])
  })

  /** Holds the live table as a report does, until it is told that the swap stepped back. Answers what that said. */
  async function blocked<T>(swap: (onEvent: (event: RebuildEvent) => void) => Promise<T>) {
    const reader = openDatabase(stage.url, { connections: 1 })
    const [taken, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const holding = reader.transaction(async (connection) => {
      await connection.query('SELECT * FROM counting LIMIT 1')
      taken.resolve()
      await held.promise
    })
    await taken.promise
    const messages: string[] = []
    let state: string | undefined
    const outcome = await swap((event) => {
      if (event.kind !== 'swap-blocked') return
      messages.push(event.message)
      void latestRebuild(stage.operator, LIVE).then((record) => {
        state = record?.state
        held.resolve()
      })
    })
    await holding
    await reader.close()
    return { messages, state, outcome }
  }

  it('steps back from a swap that cannot have its lock, names who holds it, and tries again', async () => {
    await append(100)
    startLive()
    await untilLiveIsThrough()
    const { messages, state, outcome } = await blocked((onEvent) => rebuild(LIVE, { onEvent }))
    expect(messages).to.have.length(1)
    expect(messages[0]).to.match(/session \d+ of \w+@.*It is tried again\.$/)
    expect(state).to.equal('catching-up')
    expect(outcome.kind).to.equal('done')
    await append(50)
    await untilLiveIsThrough()
    expect(await verified(LIVE)).to.deep.equal([])
  })

  it('steps back from a rollback in the same way', async () => {
    await append(100)
    startLive()
    await untilLiveIsThrough()
    await rebuild(LIVE)
    const { signal } = new AbortController()
    const { messages, state, outcome } = await blocked((onEvent) =>
      rollBackRebuild({ projection: LIVE, database: stage.database, signal, onEvent }),
    )
    expect(messages).to.have.length(1)
    expect(state).to.equal('done')
    expect(outcome.generation).to.equal(1)
    expect(outcome.times?.renameMilliseconds).to.be.above(0)
    await append(50)
    await untilLiveIsThrough()
    expect(await verified(LIVE)).to.deep.equal([])
  })
})
