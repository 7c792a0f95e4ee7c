import { requeue, skip } from '@tributary/consumer'
import { until } from '@tributary/test/servers'
import { expect } from 'chai'
import type { Projection } from '../definition.ts'
import { counting } from '../testing/counting.ts'
import { type CountingStage, openCountingStage } from '../testing/counting-stage.ts'
import { rollBackRebuild } from './roll-back.ts'

describe('what an operator decided about a parked key', function () {
  this.timeout(60_000)
  let counted: CountingStage
  let poison: number | undefined
  beforeEach(async () => {
    poison = undefined
    counted = await openCountingStage('skipped')
  })
  afterEach(() => counted.close())

  /** Counts, but the event with the number `poison` cannot be applied. */
  const FAILING: Projection = {
    ...counting(1),
    fold: (state, event) => {
      if (event.type === 'OrderNotified' && event.data.notifiedTime === poison) throw new Error('No.')
      return counting(1).fold(state, event)
    },
  }
  const untilParked = (...keys: string[]) =>
    until(`${keys.length} keys are parked`, async () => (await counted.parkedKeys()).join() === keys.join())
  /** Drops the event that order 5 is parked for, and lets those behind it go on. */
  async function skipAndRequeue(): Promise<void> {
    const { operator } = counted.stage
    const [culprit] = await operator.query<{ position: number }[]>(
      "SELECT position FROM tributary_parked_key WHERE consumer = 'counting'",
    )
    await operator.transaction((connection) => skip(connection, 'counting', '5', culprit?.position ?? -1))
    await requeue(operator, 'counting', '5')
    await untilParked()
  }
  const heardOfFive = async () =>
    (await counted.stage.operator.query<{ heard: number }[]>("SELECT heard FROM counting WHERE order_id = '5'"))[0]?.heard

  it('stays: an event that was skipped is skipped in the tables that a rollback puts back', async () => {
    await counted.append(200)
    counted.startLive(FAILING)
    await counted.untilLiveIsThrough()
    await counted.rebuild(FAILING)
    poison = 205
    await counted.append(80)
    await untilParked('5')
    await skipAndRequeue()
    poison = undefined
    const { signal } = new AbortController()
    await rollBackRebuild({ projection: FAILING, database: counted.stage.database, signal })
    await counted.untilLiveIsThrough()
    expect(await heardOfFive()).to.equal(6)
    expect(await counted.verified(FAILING)).to.deep.equal([])
  })

  it('holds where a rebuild has the key parked, too: the event is skipped, and what waited behind it is built', async () => {
    poison = 45
    await counted.append(200)
    counted.startLive(FAILING)
    await untilParked('5')
    await counted.untilLiveIsThrough()
    const accept = async () => {
      expect(await counted.parkedKeys('counting__rebuild_2')).to.deep.equal(['5'])
      await skipAndRequeue()
      return true
    }
    expect(await counted.rebuild(FAILING, { accept })).to.include({ kind: 'done', generation: 2 })
    expect(await counted.parkedKeys()).to.deep.equal([])
    expect(await heardOfFive()).to.equal(4)
    expect(await counted.verified(FAILING)).to.deep.equal([])
  })

  it('holds when a swap comes before it was done: a key that was requeued is applied in the new tables', async () => {
    poison = 45
    await counted.append(200)
    counted.startLive(FAILING)
    await untilParked('5')
    await counted.untilLiveIsThrough()
    await counted.stop()
    const accept = async () => {
      poison = undefined
      await requeue(counted.stage.operator, 'counting', '5')
      return true
    }
    expect(await counted.rebuild(FAILING, { accept })).to.include({ kind: 'done' })
    counted.startLive(FAILING)
    await untilParked()
    expect(await heardOfFive()).to.equal(5)
  })
})
