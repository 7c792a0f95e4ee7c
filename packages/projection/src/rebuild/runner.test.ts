import { openDatabase } from '@tributary/database'
import { expect } from 'chai'
import { counting } from '../testing/counting.ts'
import { type CountingStage, openCountingStage } from '../testing/counting-stage.ts'
import { asRunner } from './runner.ts'
import { makeShadowTables } from './shadow-tables.ts'
import { swapTables } from './swap.ts'

const COUNTING = counting(1)

describe('whoever rebuilds a projection', () => {
  let counted: CountingStage
  beforeEach(async () => {
    counted = await openCountingStage('runner')
  })
  afterEach(() => counted.close())
  const asOurs = <T>(work: Parameters<typeof asRunner<T>>[1]) =>
    asRunner({ projection: COUNTING, database: counted.stage.database }, work)

  it('is told of another only while there is one, and else which statement waited for a lock in vain', async () => {
    await asOurs(async () => {
      const failure = await asOurs(async () => {}).catch((error: Error) => error)
      expect(failure).to.include({ code: 'PROJECTION_REBUILD_REFUSED' })
    })
    const reader = openDatabase(counted.stage.url, { connections: 1 })
    try {
      await reader.transaction(async (holding) => {
        await holding.query('SELECT * FROM counting LIMIT 1')
        const failure = await asOurs(async (session) => {
          await session.query('SET SESSION lock_wait_timeout = 1')
          await session.query('DROP TABLE counting')
        }).catch((error: Error) => error)
        expect(failure).to.include({ code: 'DATABASE_LOCK_TIMEOUT' })
        expect(String(failure)).to.include('DROP TABLE counting').and.not.to.include('rebuilding')
      })
    } finally {
      await reader.close()
    }
  })

  it('waits for locks behind a swap as long as before it', async () => {
    const waits = await asOurs(async (session) => {
      const wait = async () => (await session.query<{ wait: number }[]>('SELECT @@lock_wait_timeout AS wait'))[0]?.wait
      const before = await wait()
      await makeShadowTables(session, COUNTING, 2)
      await swapTables(session, COUNTING, 2)
      return [before, await wait()]
    })
    expect(waits).to.deep.equal([60, 60])
  })
})
