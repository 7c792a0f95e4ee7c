import { isLockHeld } from '@tributary/database'
import { until } from '@tributary/test/servers'
import { expect } from 'chai'
import type { Projection } from '../definition.ts'
import { counting } from '../testing/counting.ts'
import { type CountingStage, openCountingStage } from '../testing/counting-stage.ts'
import { openMortalDatabase } from '../testing/mortal-database.ts'
import { abortRebuild } from './abort.ts'
import { readGeneration } from './generation.ts'
import { finishHalfWay } from './live-gate.ts'
import { lockOf } from './names.ts'
import { latestRebuild } from './record.ts'
import { rollBackRebuild } from './roll-back.ts'

/** Counts, but the second event of order 7 cannot be applied. */
const FAILING: Projection = {
  ...counting(1),
  fold: (state, event) => {
    if (state['counting']?.[0]?.['order_id'] === '7') throw new Error('No.')
    return counting(1).fold(state, event)
  },
}

describe('a rebuild that was killed at its rename', function () {
  this.timeout(60_000)
  let counted: CountingStage
  let stage: CountingStage['stage']
  beforeEach(async () => {
    counted = await openCountingStage('half_way')
    stage = counted.stage
    await counted.append(200)
  })
  afterEach(() => counted.close())

  /** Kills whoever does `work` when it renames; the server does it all the same. */
  const killAtRename = async (
    work: (database: ReturnType<typeof openMortalDatabase>) => Promise<unknown>,
    generation: number,
  ) => {
    const database = openMortalDatabase(stage.url, { dieAt: /^RENAME TABLE/, after: true })
    const failure = await work(database).catch((error: Error) => error)
    expect(failure).to.be.instanceOf(Error)
    await database.close().catch(() => {})
    await until('the server has ended the session', async () => {
      const isRenamed = (await readGeneration(stage.operator, FAILING)) === generation
      return isRenamed && !(await isLockHeld(stage.operator, lockOf(FAILING)))
    })
  }
  const killRebuild = () =>
    killAtRename(
      (database) => counted.rebuild(FAILING, { database, signal: database.death, pace: { parallel: 1, share: 1 } }),
      2,
    )
  const killRollback = () =>
    killAtRename((database) => rollBackRebuild({ projection: FAILING, database, signal: database.death }), 1)

  /** Lets two finish the same at the same moment, as a command and the live consumer may. */
  async function finishTwice(): Promise<void> {
    const { database } = stage
    const [begun, mayEnd] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const first = database.transaction(async (connection) => {
      await finishHalfWay(connection, FAILING)
      begun.resolve()
      await mayEnd.promise
    })
    await begun.promise
    const second = database.transaction((connection) => finishHalfWay(connection, FAILING))
    await until('the second waits for the first', async () => {
      const waiting = await stage.operator.query(
        "SELECT 1 FROM information_schema.processlist WHERE db = DATABASE() AND info LIKE '%tributary_%' AND id <> CONNECTION_ID()",
      )
      return waiting.length > 0
    })
    mayEnd.resolve()
    await Promise.all([first, second])
  }

  it('keeps its parked keys when it is settled twice', async () => {
    await killRebuild()
    await finishTwice()
    expect((await latestRebuild(stage.operator, FAILING))?.state).to.equal('done')
    expect(await counted.parkedKeys()).to.deep.equal(['7'])
    expect(await counted.verified(FAILING)).to.deep.equal([])
  })

  it('keeps the parked keys of the tables before when its rollback is settled twice', async () => {
    counted.startLive(FAILING)
    await counted.untilLiveIsThrough()
    await counted.stop()
    await counted.rebuild(counting(1))
    await killRollback()
    await finishTwice()
    expect((await latestRebuild(stage.operator, FAILING))?.state).to.equal('rolled-back')
    expect(await counted.parkedKeys()).to.deep.equal(['7'])
  })

  it('is finished by the next command, which begins no other', async () => {
    await killRebuild()
    expect(await counted.rebuild(FAILING)).to.deep.equal({ kind: 'finished', generation: 2, state: 'done' })
    expect(await readGeneration(stage.operator, FAILING)).to.equal(2)
    await killRollback()
    const { signal } = new AbortController()
    expect(await rollBackRebuild({ projection: FAILING, database: stage.database, signal })).to.deep.equal({ generation: 1 })
    expect(await counted.tables()).to.deep.equal([
      'counting: as the contract says',
      'tributary_generation_counting: generation 1',
    ])
  })

  it('is not said to be aborted, because its tables are those that are read', async () => {
    await killRebuild()
    expect(await abortRebuild({ projection: FAILING, database: stage.database })).to.equal('done')
    expect(await readGeneration(stage.operator, FAILING)).to.equal(2)
  })
})
