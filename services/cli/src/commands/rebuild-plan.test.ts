import { randomBytes } from 'node:crypto'
import type { Database } from '@tributary/database'
import { migratedTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import { bytesOf, describePlan } from './rebuild-plan.ts'

describe('the plan of a rebuild', () => {
  const elsewhere = `tributary_test_plan_${randomBytes(4).toString('hex')}`
  let database: Database
  let drop: () => Promise<void>
  before(async () => {
    ;({ database, drop } = await migratedTestDatabase('plan'))
    await database.query('CREATE DATABASE ??', [elsewhere])
    await database.query('CREATE TABLE ?? LIKE eg_wework_member', [`${elsewhere}.eg_wework_member`])
  })
  after(async () => {
    await database.query('DROP DATABASE ??', [elsewhere])
    await drop()
  })

  it('does not promise to swap what may have been swapped before it was interrupted', () => {
    const plan = { projection: 'orders', generation: 2, tables: ['eg_order_order'], events: 0, bytes: 0, seconds: 0 }
    const lineOf = (state: 'building' | 'fenced') =>
      describePlan({ ...plan, state, parallel: 1, verifyOnly: false }).split('\n')[0]
    expect(lineOf('building')).to.equal('The rebuild of orders to generation 2 goes on, it is building:')
    expect(lineOf('fenced')).to.include('Where the tables were renamed, it is only finished')
  })

  it('tells the disk that tables take, also of a directory in a database of its own', async () => {
    const here = await bytesOf(database, ['eg_wework_member'])
    expect(here).to.be.above(0)
    expect(await bytesOf(database, ['eg_wework_member', `${elsewhere}.eg_wework_member`])).to.equal(2 * here)
  })
})
