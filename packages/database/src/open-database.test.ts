import { randomUUID } from 'node:crypto'
import { migratedTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import type { Connection, Database, WriteResult } from './database.ts'
import { DatabaseError } from './errors.ts'
import { openDatabase } from './open-database.ts'
import { rejection } from './testing/rejection.ts'

describe('a database', () => {
  let database: Database
  let url: string
  let drop: () => Promise<void>
  before(async () => {
    ;({ database, url, drop } = await migratedTestDatabase('open'))
    await database.query('CREATE TABLE thing (id INT PRIMARY KEY, value INT NOT NULL, name VARCHAR(10) NULL UNIQUE)')
  })
  beforeEach(() => database.query('DELETE FROM thing'))
  after(() => drop())

  const session = async () => {
    const [row] = await database.query<{ id: number }[]>('SELECT CONNECTION_ID() AS id')
    return row?.id
  }

  describe('gives every session', () => {
    it('affected rows that count found rows, also when the new value equals the old one', async () => {
      await database.query('INSERT INTO thing (id, value) VALUES (1, 5)')
      const same = await database.query<WriteResult>('UPDATE thing SET value = 5 WHERE id = 1')
      expect(same.affectedRows).to.equal(1)
      const none = await database.query<WriteResult>('UPDATE thing SET value = 5 WHERE id = 2')
      expect(none.affectedRows).to.equal(0)
      expect(await database.knex('thing').where({ id: 1 }).update({ value: 5 })).to.equal(1)
    })

    it('READ COMMITTED: a transaction sees what others committed since it began', async () => {
      await database.transaction(async (connection) => {
        expect(await connection.query('SELECT id FROM thing')).to.deep.equal([])
        await database.query('INSERT INTO thing (id, value) VALUES (1, 1)')
        expect(await connection.query('SELECT id FROM thing')).to.deep.equal([{ id: 1 }])
      })
    })

    it('strict mode, UTC, and an end of sessions that fall silent', async () => {
      const [row] = await database.query(
        'SELECT @@time_zone AS zone, TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) AS apart, @@wait_timeout AS silence',
      )
      expect(row).to.deep.equal({ zone: '+00:00', apart: 0, silence: 60 })
      const error = await rejection(database.query('INSERT INTO thing (id, value, name) VALUES (1, 1, ?)', ['eleven char']))
      expect(error.code).to.equal('DATABASE_VALUE_REFUSED')
    })

    it('its own settings where the server has others for all, which would lose statements and cut answers', async () => {
      const user = `plain_${randomUUID().slice(0, 8)}`
      await database.query(`CREATE USER ${user} IDENTIFIED BY 'plain'`)
      const address = Object.assign(new URL(url), { username: user, password: 'plain' })
      await database.query(`GRANT ALL ON ${address.pathname.slice(1)}.* TO ${user}`)
      await database.query(
        "SET GLOBAL init_connect = 'SET NAMES latin1; SET autocommit = 0, sql_select_limit = 1, completion_type = 1'",
      )
      const plain = openDatabase(address.href, { connections: 1 })
      try {
        for (const id of [1, 2, 3]) await plain.query('INSERT INTO thing (id, value, name) VALUES (?, 1, ?)', [id, `${id}😀收`])
        const rows = await database.query('SELECT id, name FROM thing ORDER BY id')
        expect(rows).to.deep.equal([1, 2, 3].map((id) => ({ id, name: `${id}😀收` })))
        expect(await plain.query('SELECT id, name FROM thing ORDER BY id')).to.deep.equal(rows)
        await plain.transaction((connection) => connection.query('UPDATE thing SET value = 2'))
        await plain.query('UPDATE thing SET value = 3')
        expect(await database.query('SELECT DISTINCT value FROM thing')).to.deep.equal([{ value: 3 }])
      } finally {
        await plain.close()
        await database.query("SET GLOBAL init_connect = ''")
        await database.query(`DROP USER ${user}`)
      }
    })

    it('text beyond the basic plane, and numbers beyond 2^53 as text', async () => {
      const [row] = await database.query('SELECT ? AS emoji, 9007199254740993 AS large, 9007199254740991 AS safe', ['😀收'])
      expect(row).to.deep.equal({ emoji: '😀收', large: '9007199254740993', safe: 9007199254740991 })
    })

    it('one statement at a time, and values that are never SQL', async () => {
      expect((await rejection(database.query('SELECT 1; SELECT 2'))).code).to.equal('DATABASE_STATEMENT_REFUSED')
      await database.query('INSERT INTO thing (id, value) VALUES (1, 1), (2, 2)')
      expect(await database.query('SELECT id FROM thing WHERE id = ?', [{ id: 1 }])).to.deep.equal([])
      const assigned = await rejection(database.query('UPDATE thing SET ? WHERE id = 1', [{ value: 9 }]))
      expect(assigned.code).to.equal('DATABASE_STATEMENT_REFUSED')
      const [row] = await database.query('SELECT ? AS text', ["'; DROP TABLE thing; -- \\"])
      expect(row?.['text']).to.equal("'; DROP TABLE thing; -- \\")
    })
  })

  describe('in a transaction', () => {
    it('commits what was done, and rolls back when the work throws', async () => {
      const result = await database.transaction(async (connection) => {
        await connection.query('INSERT INTO thing (id, value) VALUES (1, 1)')
        return 'done'
      })
      expect(result).to.equal('done')
      const thrown = new Error('no')
      const work = database.transaction(async (connection) => {
        await connection.query('INSERT INTO thing (id, value) VALUES (2, 2)')
        throw thrown
      })
      expect(await work.catch((error: unknown) => error)).to.equal(thrown)
      expect(await database.query('SELECT id FROM thing')).to.deep.equal([{ id: 1 }])
    })

    it('does the work again after a deadlock', async () => {
      await database.query('INSERT INTO thing (id, value) VALUES (1, 0), (2, 0)')
      let attempts = 0
      const bothLocked = meeting(2)
      const cross = (first: number, second: number) =>
        database.transaction(async (connection) => {
          attempts += 1
          await connection.query('UPDATE thing SET value = value + 1 WHERE id = ?', [first])
          await bothLocked()
          await connection.query('UPDATE thing SET value = value + 1 WHERE id = ?', [second])
        })
      await Promise.all([cross(1, 2), cross(2, 1)])
      expect(attempts).to.equal(3)
      expect(await database.query('SELECT value FROM thing')).to.deep.equal([{ value: 2 }, { value: 2 }])
    })

    it('does the work at most as often as asked, and only for a conflict', async () => {
      let attempts = 0
      const conflict = new DatabaseError('DATABASE_DEADLOCK', 'again')
      const failing = (error: Error) =>
        database.transaction(
          () => {
            attempts += 1
            return Promise.reject(error)
          },
          { attempts: 3 },
        )
      expect(await failing(conflict).catch((error: unknown) => error)).to.equal(conflict)
      expect(attempts).to.equal(3)
      await failing(new DatabaseError('DATABASE_DUPLICATE', 'once')).catch(() => {})
      expect(attempts).to.equal(4)
    })

    it('that is hurried, does the same on a connection of its own, and gives a lock up that stays taken', async () => {
      const hurried = <T>(work: Parameters<typeof database.transaction<T>>[0]) =>
        database.transaction(work, { hurried: true, attempts: 1 })
      const insert = (id: number) => (connection: Connection) =>
        connection.query('INSERT INTO thing (id, value) VALUES (?, 1)', [id])
      await hurried(insert(1))
      const patience = await hurried((connection) => connection.query('SELECT @@innodb_lock_wait_timeout AS seconds'))
      expect(patience).to.deep.equal([{ seconds: 1 }])
      const thrown = new Error('no')
      const undone = hurried(async (connection) => {
        await insert(2)(connection)
        throw thrown
      })
      expect(await undone.catch((error: unknown) => error)).to.equal(thrown)
      await database.transaction(async (holder) => {
        await holder.query('UPDATE thing SET value = 2 WHERE id = 1')
        const waiting = hurried((connection) => connection.query('UPDATE thing SET value = 3 WHERE id = 1'))
        expect((await rejection(waiting)).code).to.equal('DATABASE_LOCK_TIMEOUT')
      })
      const locker = openDatabase(url, { connections: 1 })
      try {
        await locker.query('LOCK TABLES thing WRITE')
        expect((await rejection(hurried(insert(4)))).code).to.equal('DATABASE_LOCK_TIMEOUT')
      } finally {
        await locker.close()
      }
      await hurried(insert(3))
      expect(await database.query('SELECT id, value FROM thing ORDER BY id')).to.deep.equal([
        { id: 1, value: 2 },
        { id: 3, value: 1 },
      ])
    })

    it('waits for a lock no longer than the server says, and can be tried again', async () => {
      await database.query('INSERT INTO thing (id, value) VALUES (1, 0)')
      await database.transaction(async (holder) => {
        await holder.query('UPDATE thing SET value = 1 WHERE id = 1')
        const waiting = database.transaction(
          async (waiter) => {
            await waiter.query('SET SESSION innodb_lock_wait_timeout = 1')
            await waiter.query('UPDATE thing SET value = 2 WHERE id = 1')
          },
          { attempts: 1 },
        )
        expect(await rejection(waiting)).to.include({ code: 'DATABASE_LOCK_TIMEOUT', retriable: true })
      })
    })

    it('refuses a query that comes after the end, when the connection may be another’s', async () => {
      const late = await database.transaction(async (connection) => connection)
      expect((await rejection(late.query('SELECT 1'))).message).to.include('after its transaction had ended')
    })
  })

  describe('with a broken connection', () => {
    it('reports it as unavailable and never lends that connection again', async () => {
      const killer = openDatabase(url, { connections: 1 })
      const single = openDatabase(url, { connections: 1 })
      try {
        let broken: unknown
        const work = single.transaction(async (connection) => {
          const [row] = await connection.query<{ id: number }[]>('SELECT CONNECTION_ID() AS id')
          broken = row?.id
          await connection.query('INSERT INTO thing (id, value) VALUES (1, 1)')
          await killer.query('KILL ?', [row?.id])
          await connection.query('INSERT INTO thing (id, value) VALUES (2, 2)')
        })
        expect(await rejection(work)).to.include({ code: 'DATABASE_UNAVAILABLE', retriable: true })
        const [next] = await single.query<{ id: number }[]>('SELECT CONNECTION_ID() AS id')
        expect(next?.id).to.be.a('number').and.not.equal(broken)
        expect(await single.query('SELECT id FROM thing')).to.deep.equal([])
      } finally {
        await Promise.all([killer.close(), single.close()])
      }
    })

    it('takes none back that the server has just ended', async () => {
      const single = openDatabase(url, { connections: 1 })
      try {
        for (let round = 0; round < 10; round += 1) {
          expect((await rejection(single.query('KILL CONNECTION_ID()'))).code).to.equal('DATABASE_UNAVAILABLE')
          expect(await single.query('SELECT 1 AS one')).to.deep.equal([{ one: 1 }])
        }
      } finally {
        await single.close()
      }
    })

    it('takes none back that could not be rolled back', async () => {
      const single = openDatabase(url, { connections: 1 })
      try {
        const stuck = single.transaction(async (connection) => {
          await connection.query('COMMIT')
          await connection.query('XA START ?', [randomUUID()])
          throw new Error('stuck')
        })
        expect(await stuck.catch((error: Error) => error.message)).to.equal('stuck')
        expect(await single.transaction((connection) => connection.query('SELECT 1 AS one'))).to.deep.equal([{ one: 1 }])
      } finally {
        await single.close()
      }
    })

    it('that died while it lay idle, gives another', async () => {
      const single = openDatabase(url, { connections: 1 })
      try {
        const [first] = await single.query<{ id: number }[]>('SELECT CONNECTION_ID() AS id')
        await database.query('KILL ?', [first?.id])
        let answer: unknown
        while (answer === undefined) answer = await single.query('SELECT 1 AS one').catch(() => undefined)
        expect(answer).to.deep.equal([{ one: 1 }])
      } finally {
        await single.close()
      }
    })
  })

  it('uses no more connections than it may, and the same ones for knex', async () => {
    const small = openDatabase(url, { connections: 2 })
    try {
      const ids = await Promise.all(
        Array.from({ length: 10 }, async (_, index) => {
          const text = 'SELECT CONNECTION_ID() AS id, SLEEP(0.02) AS slept'
          const [row] = index % 2 === 0 ? await small.query(text) : (await small.knex.raw(text))[0]
          return row.id
        }),
      )
      expect(new Set(ids).size).to.equal(2)
    } finally {
      await small.close()
    }
    expect(await session()).to.be.a('number')
  })

  describe('reports', () => {
    it('a duplicate key by its name, and no value anywhere in the error', async () => {
      await database.query('INSERT INTO thing VALUES (1, 1, ?)', ['Maria'])
      const error = await rejection(database.query('INSERT INTO thing VALUES (2, 2, ?)', ['Maria']))
      expect(error).to.include({ code: 'DATABASE_DUPLICATE', retriable: false })
      // MySQL 8 names the table, too.
      expect(error.message).to.match(/for key '(\w+\.)?name'/)
      expect(everything(error)).not.to.include('Maria')
    })

    it('a syntax error with the statement but without its literals', async () => {
      const error = await rejection(database.query("SELEC 'Maria' FROM thing WHERE name = ?", ['Muster']))
      expect(error.code).to.equal('DATABASE_STATEMENT_REFUSED')
      expect(error.message).to.include("SELEC '…' FROM thing WHERE name = ?")
      expect(everything(error)).not.to.match(/Maria|Muster/)
    })

    it('what comes through knex without values too', async () => {
      await database.query('INSERT INTO thing VALUES (1, 1, ?)', ['Maria'])
      const insert = database.knex('thing').insert({ id: 2, value: 2, name: 'Maria' })
      const error = await insert.then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      expect(error).to.be.instanceOf(Error).with.property('code', 'ER_DUP_ENTRY')
      expect(everything(error)).not.to.include('Maria')
    })

    it('a missing table with the way out', async () => {
      const error = await rejection(database.query('SELECT * FROM nowhere'))
      expect(error.code).to.equal('DATABASE_SCHEMA_MISMATCH')
      expect(error.message).to.include('nowhere').and.include('tributary migrate')
    })

    it('a server without room as something that passes, and not as the fault of a row', async () => {
      const one = openDatabase(url, { connections: 1 })
      try {
        await one.query('SET SESSION max_heap_table_size = 16384')
        await one.query('CREATE TABLE small_thing (value VARCHAR(2000)) ENGINE = MEMORY')
        const fill = async () => {
          for (;;) await one.query('INSERT INTO small_thing VALUES (?)', ['x'.repeat(2_000)])
        }
        expect(await rejection(fill())).to.include({ code: 'DATABASE_EXHAUSTED', retriable: true })
      } finally {
        await one.close()
      }
    })

    it('a statement that takes longer than the server allows as something that passes', async function () {
      const [server] = await database.query<{ version: string }[]>('SELECT VERSION() AS version')
      if (!server?.version.includes('MariaDB')) this.skip()
      const slow = database.query('SET STATEMENT max_statement_time = 0.05 FOR SELECT SLEEP(20)')
      expect(await rejection(slow)).to.include({ code: 'DATABASE_TOO_SLOW', retriable: true })
    })

    it('a refused password without showing it', async () => {
      const wrong = new URL(url)
      wrong.password = 'not-the-password'
      const stranger = openDatabase(wrong.href)
      const error = await rejection(stranger.query('SELECT 1'))
      await stranger.close()
      expect(error).to.include({ code: 'DATABASE_REFUSED', retriable: false })
      expect(everything(error)).not.to.include('not-the-password')
    })

    it('a server that is not there, at once', async () => {
      const nowhere = openDatabase('mysql://root:secret-word@127.0.0.1:1/x')
      const start = performance.now()
      const error = await rejection(nowhere.query('SELECT 1'))
      await nowhere.close()
      expect(error).to.include({ code: 'DATABASE_UNAVAILABLE', retriable: true })
      // Whoever waited for a connection would have waited for ten seconds.
      expect(performance.now() - start).to.be.lessThan(8_000)
      expect(everything(error)).not.to.include('secret-word')
    })

    it('a statement that the server would hang up on, before it is sent, and not as worth another try', async () => {
      const megabytes = 80
      const error = await rejection(database.query('SELECT LENGTH(?) AS bytes', ['x'.repeat(megabytes * 1024 * 1024)]))
      expect(error).to.include({ code: 'DATABASE_PACKET_TOO_LARGE', retriable: false })
      expect(error.message).to.include('max_allowed_packet')
      expect(await database.query('SELECT 1 AS one')).to.deep.equal([{ one: 1 }])
    })
  })
})

/** Everything that could be logged of an error. */
function everything(error: unknown): string {
  if (!(error instanceof Error)) return JSON.stringify(error)
  return [error.message, error.stack, JSON.stringify({ ...error }), error.cause ? everything(error.cause) : ''].join('\n')
}

/** A point where `count` callers wait for each other; those who come later pass. */
function meeting(count: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let arrived = 0
  return () => {
    arrived += 1
    if (arrived >= count) resolve()
    return promise
  }
}
