import { migratedTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import type { Database, WriteResult } from './database.ts'

describe('a database', () => {
  let test: { database: Database; drop(): Promise<void> }
  before(async () => {
    test = await migratedTestDatabase('open')
    await test.database.query('CREATE TABLE counter (id INT PRIMARY KEY, value INT NOT NULL)')
  })
  after(() => test.drop())

  it('counts found rows as affected, also when the new value equals the old one', async () => {
    await test.database.query('INSERT INTO counter VALUES (1, 5)')
    const result = await test.database.query<WriteResult>('UPDATE counter SET value = 5 WHERE id = 1')
    expect(result.affectedRows).to.equal(1)
  })
})
