import { expect } from 'chai'
import { lockName } from './named-lock.ts'

describe('The name of a lock', () => {
  const names = ['migrate', 'rebuild orders', `rebuild wework-${'d'.repeat(63)}`, `rebuild wework-${'d'.repeat(64)}`]

  it('is as long as MySQL takes, and one for each name and database', () => {
    const locks = names.flatMap((name) => [lockName(name, 'one'), lockName(name, 'two')])
    expect(Math.max(...locks.map(({ length }) => length))).to.be.at.most(64)
    expect(new Set(locks).size).to.equal(2 * names.length)
  })
})
