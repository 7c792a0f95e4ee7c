import { migratedTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import fc from 'fast-check'
import type { Connection, Database } from './database.ts'
import { openDatabase } from './open-database.ts'
import { rejection } from './testing/rejection.ts'
import { partRows, upsert, upsertText } from './upsert.ts'

describe('an upsert', () => {
  let database: Database
  let url: string
  let drop: () => Promise<void>
  before(async () => {
    ;({ database, url, drop } = await migratedTestDatabase('upsert'))
    await database.query('CREATE TABLE pair (a INT, b INT, `odd``name` TEXT, PRIMARY KEY (a, b))')
    await database.query('CREATE TABLE texts (id INT PRIMARY KEY, text MEDIUMTEXT, bytes MEDIUMBLOB)')
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

  it('writes whatever a text holds as it is', async () => {
    const texts = fc.array(fc.string({ unit: 'binary', maxLength: 40 }), { minLength: 1, maxLength: 200 })
    const parts = fc.array(fc.constantFrom("'", '\\', '"', '\0', '?', '`', '\n', '\x1a', '%', '😀', '/*', '-- ', '; DROP'))
    const nasty = fc.array(
      parts.map((list) => list.join('')),
      { minLength: 1, maxLength: 200 },
    )
    await fc.assert(
      fc.asyncProperty(fc.oneof(texts, nasty), async (list) => {
        await database.query('DELETE FROM texts')
        const shape = { table: 'texts', primaryKey: ['id'], columns: ['id', 'text', 'bytes'] }
        await upsert(
          database,
          shape,
          list.map((text, id) => [id, text, Buffer.from(text)]),
        )
        const rows = await database.query<{ text: string; bytes: Buffer }[]>('SELECT text, bytes FROM texts ORDER BY id')
        expect(rows.map(({ text, bytes }) => [text, bytes.toString()])).to.deep.equal(list.map((text) => [text, text]))
      }),
      { numRuns: 40 },
    )
  })

  it('writes many rows as it writes few, whatever they hold, also into a table that took the place of another', async () => {
    const columns = ['id', 'label', 'number', 'body']
    const make = (name: string) =>
      database.query('CREATE TABLE ?? (id BIGINT PRIMARY KEY, label VARCHAR(40), number INT, body MEDIUMTEXT)', [name])
    const texts = fc.sample(fc.string({ unit: 'binary', maxLength: 30 }), { seed: 7, numRuns: 700 })
    const rows = texts.map((text, n): unknown[] => [
      2 ** 53 - 1 - n,
      n % 3 === 0 ? 9_007_199_254_740_000 + n : text,
      n - 5,
      n % 4 ? text : null,
    ])
    await make('many')
    await make('many_next')
    await make('few')
    for (const half of [rows.slice(0, 630), rows.slice(100)]) {
      await upsert(database, { table: 'many', primaryKey: ['id'], columns }, half)
      for (const row of half) await upsert(database, { table: 'few', primaryKey: ['id'], columns }, [row])
      expect(await database.query('SELECT * FROM many ORDER BY id')).to.deep.equal(
        await database.query('SELECT * FROM few ORDER BY id'),
      )
    }
    await database.query('RENAME TABLE many TO many_before, many_next TO many')
    await upsert(database, { table: 'many', primaryKey: ['id'], columns }, rows)
    expect(await database.query('SELECT * FROM many ORDER BY id')).to.deep.equal(
      await database.query('SELECT * FROM few ORDER BY id'),
    )
    const refused = await upsert(
      database,
      { table: 'many', primaryKey: ['id'], columns },
      rows.map(([id]) => [id, '', 2 ** 31, '']),
    ).catch((error: { code: string }) => error.code)
    expect(refused).to.equal('DATABASE_VALUE_REFUSED')
  })

  it('writes the same with usual values named, whether all rows have them or one has another', async () => {
    const columns = ['id', 'author', 'user', 'label']
    const usual = { author: "it's \\ a ? 'program'", user: 0 }
    const make = (name: string) =>
      database.query('CREATE TABLE ?? (id INT PRIMARY KEY, author VARCHAR(40), user INT, label VARCHAR(40))', [name])
    await make('usual')
    await make('unusual')
    const rows = Array.from({ length: 320 }, (_, id) => [id, usual.author, 0, `label ${id}`])
    const oneChanged = (id: number, column: number, value: unknown) =>
      rows.map((row) => (row[0] === id ? row.with(column, value as string) : row))
    for (const list of [rows, oneChanged(3, 1, 'somebody'), oneChanged(260, 2, 7), oneChanged(319, 2, 8), rows]) {
      await upsert(database, { table: 'usual', primaryKey: ['id'], columns, usual }, list)
      await upsert(database, { table: 'unusual', primaryKey: ['id'], columns }, list)
      const written = await database.query<Record<string, unknown>[]>('SELECT * FROM usual ORDER BY id')
      expect(written.map((row) => columns.map((column) => row[column]))).to.deep.equal(list)
      expect(written).to.deep.equal(await database.query('SELECT * FROM unusual ORDER BY id'))
    }
  })

  it('writes many rows as text where the server keeps no prepared statement more', async () => {
    await database.query('CREATE TABLE unprepared (id INT PRIMARY KEY, label TEXT)')
    const rows = Array.from({ length: 320 }, (_, id) => [id, `label ${id}`])
    const [limit] = await database.query<{ most: number }[]>('SELECT @@GLOBAL.max_prepared_stmt_count AS most')
    // A statement that was prepared before goes on.
    const fresh = openDatabase(url)
    try {
      await database.query('SET GLOBAL max_prepared_stmt_count = 0')
      await fresh.transaction((connection) =>
        upsert(connection, { table: 'unprepared', primaryKey: ['id'], columns: ['id', 'label'] }, rows),
      )
    } finally {
      await database.query(`SET GLOBAL max_prepared_stmt_count = ${limit?.most}`)
      await fresh.close()
    }
    const written = await database.query<{ id: number; label: string }[]>('SELECT * FROM unprepared ORDER BY id')
    expect(written.map(({ id, label }) => [id, label])).to.deep.equal(rows)
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
    const counts = (rows: unknown[][], limits = {}) =>
      [...partRows(rows, limits)].map((part) => part.toSqlString().split('), (').length)
    expect(counts(Array.from({ length: 2_500 }, (_, id) => [id, 'x']))).to.deep.equal([1_000, 1_000, 500])
    const sizes = [100, 100, 2_000, 100].map((length) => ['x'.repeat(length)])
    expect(counts(sizes, { mostBytes: 1_000 })).to.deep.equal([2, 1, 1])
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

  describe('into a server that takes a megabyte at most', () => {
    const LIMIT = 1024 * 1024
    const wide = { table: 'texts', primaryKey: ['id'], columns: ['id', 'text', 'bytes'] }
    let narrow: Database
    before(async () => {
      const [before] = await database.query<{ bytes: number }[]>('SELECT @@GLOBAL.max_allowed_packet AS bytes')
      await database.query('SET GLOBAL max_allowed_packet = ?', [LIMIT])
      narrow = openDatabase(url, { connections: 1 })
      try {
        // A session keeps what it began with.
        await narrow.query('SELECT 1')
      } finally {
        await database.query('SET GLOBAL max_allowed_packet = ?', [before?.bytes])
      }
    })
    beforeEach(() => database.query('DELETE FROM texts'))
    after(() => narrow.close())

    const sizes: Record<string, [rows: number, bytes: number]> = {
      'as text': [45, 100_000],
      'in a prepared statement': [50, 25_000],
    }
    for (const [how, [count, bytes]] of Object.entries(sizes)) {
      it(`writes more than that ${how}, within one transaction`, async () => {
        const rows = Array.from({ length: count }, (_, id) => [id, 'x'.repeat(bytes), null])
        await narrow.transaction((connection) => upsert(connection, wide, rows))
        const [found] = await database.query('SELECT COUNT(*) AS `rows`, CAST(SUM(LENGTH(text)) AS CHAR) AS bytes FROM texts')
        expect(found).to.deep.equal({ rows: count, bytes: String(count * bytes) })
      })
    }

    it('writes about as much as that in prepared statements, whatever they send beside the values', async () => {
      const numbers = Array.from({ length: 40 }, (_, index) => `number_${index}`)
      const shape = { table: 'numbered', primaryKey: ['id'], columns: ['id', 'text', ...numbers] }
      await database.query(
        `CREATE TABLE numbered (id INT PRIMARY KEY, text MEDIUMTEXT, ${numbers.map((name) => `${name} BIGINT`).join(', ')})`,
      )
      for (let spared = 0; spared <= 30_000; spared += 1_000) {
        const text = 'x'.repeat(Math.floor((LIMIT - spared) / 50))
        const rows = Array.from({ length: 50 }, (_, id) => [id, text, ...numbers.map(() => 7)])
        await upsert(narrow, shape, rows)
      }
    })

    it('says of a row that is larger which setting to raise', async () => {
      const rows = [1, 2, 3].map((id) => [id, 'x'.repeat(id === 2 ? 1_100_000 : 10), null])
      const error = await rejection(narrow.transaction((connection) => upsert(connection, wide, rows)))
      expect(error).to.include({ code: 'DATABASE_PACKET_TOO_LARGE', retriable: false })
      expect(error.message).to.include('max_allowed_packet')
    })
  })
})
