import { migratedTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import type { Connection, Database } from './database.ts'
import { chunkRows, upsert, upsertText } from './upsert.ts'

describe('an upsert', () => {
  let database: Database
  let drop: () => Promise<void>
  before(async () => {
    ;({ database, drop } = await migratedTestDatabase('upsert'))
    await database.query('CREATE TABLE pair (a INT, b INT, `odd``name` TEXT, PRIMARY KEY (a, b))')
    await database.query('CREATE TABLE blobs (id INT PRIMARY KEY, text MEDIUMTEXT, bytes MEDIUMBLOB)')
  })
  after(() => drop())

  const shape = { table: 'pair', primaryKey: ['a', 'b'], columns: ['a', 'b', 'odd`name'] }
  const all = () => database.query('SELECT * FROM pair ORDER BY a, b')

  it('writes new rows and changes known ones, by primary key', async () => {
    await upsert(database, shape, [
      [1, 1, 'one'],
      [1, 2, null],
    ])
    await upsert(database, shape, [
      [1, 2, "it's"],
      [2, 1, '😀'],
    ])
    expect(await all()).to.deep.equal([
      { a: 1, b: 1, 'odd`name': 'one' },
      { a: 1, b: 2, 'odd`name': "it's" },
      { a: 2, b: 1, 'odd`name': '😀' },
    ])
  })

  it('changes only the columns it is told to', async () => {
    await upsert(database, { ...shape, assign: [] }, [[1, 1, 'ignored']])
    expect((await all())[0]).to.deep.equal({ a: 1, b: 1, 'odd`name': 'one' })
  })

  it('is plain SQL that MySQL 5.7 and MariaDB share', () => {
    expect(upsertText({ table: 't', primaryKey: ['id'], columns: ['id', 'x', 'version'] })).to.equal(
      'INSERT INTO `t` (`id`, `x`, `version`) VALUES ? ON DUPLICATE KEY UPDATE `x` = VALUES(`x`), `version` = VALUES(`version`)',
    )
  })

  it('of no rows asks the database nothing', async () => {
    const silent: Connection = { query: () => Promise.reject(new Error('asked')) }
    await upsert(silent, shape, [])
  })

  it('of many rows takes as few statements as row and byte limits allow', () => {
    const rows = Array.from({ length: 2_500 }, (_, id) => [id, 'x'])
    expect(chunkRows(rows).map((chunk) => chunk.length)).to.deep.equal([1_000, 1_000, 500])
    const sizes = [100, 100, 2_000, 100].map((length) => ['x'.repeat(length)])
    expect(chunkRows(sizes, { mostBytes: 1_000 }).map((chunk) => chunk.length)).to.deep.equal([2, 1, 1])
  })

  it('stays below its byte limit in the statement that is sent, whatever characters it holds', async () => {
    const nasty = ["'", '\\', '收', '😀', 'é', '\u0000'].map((character) => character.repeat(500_000))
    const rows = nasty.map((text, id) => [id, text, Buffer.from(text.slice(0, 100_000))])
    const sent: number[] = []
    const measuring: Connection = {
      query: (text, values) => {
        sent.push(Buffer.byteLength(database.knex.client.driver.format(text, values)))
        return database.query(text, values)
      },
    }
    const wide = { table: 'blobs', primaryKey: ['id'], columns: ['id', 'text', 'bytes'] }
    await upsert(measuring, wide, rows)
    expect(sent.length).to.be.greaterThan(1)
    for (const bytes of sent) expect(bytes).to.be.lessThan(4 * 1024 * 1024 + 1_000)
    const back = await database.query<{ id: number; text: string }[]>('SELECT id, text FROM blobs ORDER BY id')
    expect(back.every(({ id, text }) => text === nasty[id])).to.equal(true)
  })
})
