import { expect } from 'chai'
import { createSellerCodes } from './seller-codes.ts'
import { openStage, type Stage } from './testing/stage.ts'

describe('The codes of sellers', () => {
  let stage: Stage
  before(async () => {
    stage = await openStage('seller_codes')
  })
  after(() => stage.close())

  it('are unknown, and asked for again each time, until the seller has a row', async () => {
    const codesOf = createSellerCodes(stage.database)
    expect(await codesOf(1, 'newcomer')).to.equal('unknown')
    await stage.setCodes(['a', 'b'], 'newcomer')
    expect(await codesOf(1, 'newcomer')).to.deep.equal(['a', 'b'])
    expect(await codesOf(2, 'newcomer')).to.equal('unknown')
  })

  it('are kept for a moment once they are known', async () => {
    let reads = 0
    const counted: typeof stage.database = {
      ...stage.database,
      query: (...statement) => {
        reads += 1
        return stage.database.query(...statement)
      },
    }
    const codesOf = createSellerCodes(counted)
    await stage.setCodes(['a'], 'kept')
    for (let time = 0; time < 2; time += 1) expect(await codesOf(1, 'kept')).to.deep.equal(['a'])
    expect(reads).to.equal(1)
    await stage.setCodes(['b'], 'kept')
    expect(await createSellerCodes(stage.database)(1, 'kept')).to.deep.equal(['b'])
  })

  it('are none, and no longer unknown, when somebody deleted the row', async () => {
    await stage.setCodes(['a'], 'gone')
    await stage.database.query("UPDATE eg_order_app_seller SET deleted = id WHERE seller_id = 'gone'")
    expect(await createSellerCodes(stage.database)(1, 'gone')).to.deep.equal([])
  })
})
