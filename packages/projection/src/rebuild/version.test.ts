import { until } from '@tributary/test/servers'
import { expect } from 'chai'
import type { Projection } from '../definition.ts'
import { counting } from '../testing/counting.ts'
import { type CountingStage, openCountingStage } from '../testing/counting-stage.ts'
import { rebuildKey } from './rebuild-key.ts'
import { rollBackRebuild } from './roll-back.ts'

const OLD = counting(1)
const NEW: Projection = { ...counting(10), version: 2 }

describe('a release that changes a projection', function () {
  this.timeout(60_000)
  let counted: CountingStage
  beforeEach(async () => {
    counted = await openCountingStage('versions')
    await counted.append(200)
  })
  afterEach(() => counted.close())
  const { signal } = new AbortController()
  const untilOutdated = (running: ReturnType<CountingStage['startLive']>) =>
    until('the projector of the release before stands aside', async () => {
      const { status, reason } = await running.health()
      return status === 'down' && reason?.includes('PROJECTION_OUTDATED') === true
    })

  it('has its tables to itself: a projector of the release before leaves them, and its group', async () => {
    const before = counted.startLive(OLD)
    await counted.untilLiveIsThrough()
    expect(await counted.rebuild(NEW)).to.include({ kind: 'done', isNewVersion: true })
    await untilOutdated(before)
    await counted.append(80)
    counted.startLive(NEW)
    await counted.untilLiveIsThrough()
    expect(await counted.verified(NEW)).to.deep.equal([])
    expect((await before.figures()).partitions.map(({ stage }) => stage)).to.deep.equal(Array(3).fill('elsewhere'))
  })

  it('gives them back with a rollback: the projector of the release before goes on by itself', async () => {
    const before = counted.startLive(OLD)
    await counted.untilLiveIsThrough()
    await counted.rebuild(NEW)
    await untilOutdated(before)
    await counted.append(40)
    await rollBackRebuild({ projection: OLD, database: counted.stage.database, signal })
    await counted.untilLiveIsThrough()
    expect((await before.health()).status).to.equal('ok')
    expect(await counted.verified(OLD)).to.deep.equal([])
  })

  it('is not mixed with the release before: neither goes on with a rebuild of the other, and no key is made by the older', async () => {
    const outcome = await counted.rebuild(OLD, { accept: async () => false })
    expect(outcome.kind).to.equal('refused')
    const failure = await counted.rebuild(NEW).catch((error: Error) => error)
    expect(failure).to.include({ code: 'PROJECTION_REBUILD_REFUSED' })
    expect(String(failure)).to.include('version 1').and.to.include('--abort')
    expect(await counted.rebuild(OLD)).to.include({ kind: 'done' })
    await counted.rebuild(NEW)
    const { database, log } = counted.stage
    const find = async () => (await log.read('EG_ORDER_SPI_TOPIC', 0, 0)).events.slice(0, 1)
    const refused = await rebuildKey({ projection: OLD, database, vault: counted.vault, find }).catch((error: Error) => error)
    expect(refused).to.include({ code: 'PROJECTION_OUTDATED' })
  })
})
