import { once } from 'node:events'
import { expect } from 'chai'
import { counting } from '../testing/counting.ts'
import { type CountingStage, openCountingStage } from '../testing/counting-stage.ts'
import type { ComparisonProgress } from './compare.ts'
import { planRebuild, requestOfRebuild } from './record.ts'
import { asRunner } from './runner.ts'
import { Requested, watched } from './watched-build.ts'

const COUNTING = counting(1)

describe('long work of a rebuild', () => {
  let counted: CountingStage
  beforeEach(async () => {
    counted = await openCountingStage('watched')
  })
  afterEach(() => counted.close())

  it('ends when somebody asks to pause, whatever it is', async () => {
    const { database, operator } = counted.stage
    const { signal } = new AbortController()
    const failure = await asRunner({ projection: COUNTING, database }, async (session) => {
      await planRebuild(session, COUNTING, 2, [])
      return await watched(session, { signal, projection: COUNTING }, async (ending) => {
        expect(await requestOfRebuild(operator, COUNTING, 'pause')).to.equal('asked')
        await once(ending, 'abort')
        ending.throwIfAborted()
      })
    }).catch((error: Error) => error)
    expect(failure).to.be.instanceOf(Requested).and.to.include({ requested: 'pause' })
  })

  it('tells how far it is when it compares', async () => {
    await counted.append(80)
    const told: ComparisonProgress[] = []
    await counted.rebuild(COUNTING, {
      onEvent: (event) => {
        if (event.kind === 'comparing') for (const table of event.tables) told.push({ ...table })
      },
    })
    expect(told.at(-1)).to.deep.equal({ table: 'counting', done: 40, total: 40 })
  })
})
