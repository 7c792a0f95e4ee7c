import { expect } from 'chai'
import { counting } from '../testing/counting.ts'
import { type CountingStage, openCountingStage } from '../testing/counting-stage.ts'
import { readGeneration } from './generation.ts'
import { rollBackRebuild } from './roll-back.ts'

const COUNTING = counting(1)

describe('what others put on the tables of a projection', function () {
  this.timeout(60_000)
  let counted: CountingStage
  let change: (text: string) => Promise<unknown>
  beforeEach(async () => {
    counted = await openCountingStage('shape')
    change = (text) => counted.stage.operator.query(text)
    await counted.append(100)
    counted.startLive(COUNTING)
    await counted.untilLiveIsThrough()
  })
  afterEach(() => counted.close())
  const indexes = async () => {
    const rows = await counted.stage.operator.query<{ Key_name: string; Non_unique: number }[]>('SHOW INDEX FROM counting')
    return rows.map(({ Key_name, Non_unique }) => `${Key_name}${Non_unique ? '' : ' unique'}`)
  }
  /** Rebuilds, and lets somebody change the live table when the new one is built. */
  const rebuildDuring = (text: string) =>
    counted
      .rebuild(COUNTING, {
        accept: async () => {
          await change(text)
          return true
        },
      })
      .catch((error: Error) => error)

  it('stays when it is an index, also one that comes while a rebuild goes on, or replaces one', async () => {
    await change('ALTER TABLE counting ADD KEY before_it (heard)')
    const during = 'DROP KEY by_order, ADD UNIQUE KEY `by, order` (order_id), ADD KEY down (heard, order_id(5))'
    expect(await rebuildDuring(`ALTER TABLE counting ${during}`)).to.include({ kind: 'done', generation: 2 })
    expect(await indexes()).to.have.members(['PRIMARY unique', 'by, order unique', 'before_it', 'down', 'down'])
    await counted.append(100)
    await counted.untilLiveIsThrough()
    expect(await counted.verified(COUNTING)).to.deep.equal([])
  })

  it('is not lost in silence when it is a change of a column while a rebuild goes on', async () => {
    const failure = await rebuildDuring("ALTER TABLE counting ADD COLUMN note VARCHAR(20) NULL COMMENT 'a, b'")
    expect(failure).to.include({ code: 'PROJECTION_REBUILD_REFUSED' })
    expect(String(failure)).to.include('`note`').and.to.include('--abort')
    expect(await readGeneration(counted.stage.operator, COUNTING)).to.equal(1)
  })

  it('is told when a swap would take it away: a trigger, and a foreign key of another table', async () => {
    await counted.rebuild(COUNTING)
    await change('CREATE TABLE heard_of (id BIGINT PRIMARY KEY, CONSTRAINT of_order FOREIGN KEY (id) REFERENCES counting (id))')
    await change('CREATE TRIGGER told AFTER INSERT ON counting FOR EACH ROW SET @told = 1')
    const { signal } = new AbortController()
    const rollBack = () => rollBackRebuild({ projection: COUNTING, database: counted.stage.database, signal })
    for (const swap of [rollBack, () => counted.rebuild(COUNTING)]) {
      const failure = await swap().catch((error: Error) => error)
      expect(failure).to.include({ code: 'PROJECTION_REBUILD_REFUSED' })
      expect(String(failure)).to.include('the trigger told of counting').and.to.include('the foreign key of_order of ')
    }
    expect(await readGeneration(counted.stage.operator, COUNTING)).to.equal(2)
    await change('DROP TRIGGER told')
    await change('DROP TABLE heard_of')
    expect(await counted.rebuild(COUNTING)).to.include({ kind: 'done', generation: 3 })
  })
})
