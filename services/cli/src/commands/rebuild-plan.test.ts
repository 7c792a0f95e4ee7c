import { randomBytes } from 'node:crypto'
import type { Database } from '@tributary/database'
import { migratedTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import { bytesOf } from './rebuild-plan.ts'

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

  it('tells the disk that tables take, also of a directory in a database of its own', async () => {
    const here = await bytesOf(database, ['eg_wework_member'])
    expect(here).to.be.above(0)
    expect(await bytesOf(database, ['eg_wework_member', `${elsewhere}.eg_wework_member`])).to.equal(2 * here)
  })
})
