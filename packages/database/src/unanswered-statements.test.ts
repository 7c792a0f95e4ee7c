import { migratedTestDatabase, type Relay, startRelay } from '@tributary/test/servers'
import { expect } from 'chai'
import type { Connection, Database, WriteResult } from './database.ts'
import type { DatabaseError } from './errors.ts'
import { withNamedLock } from './named-lock.ts'
import { openDatabase } from './open-database.ts'
import { rejection } from './testing/rejection.ts'

/** For a server that has vanished, milliseconds; one that is there must answer within it on a slow machine, too. */
const SHORT = 1_000
const GONE = { code: 'DATABASE_UNAVAILABLE', retriable: true }

describe('a statement that gets no answer', () => {
  let direct: Database
  let url: string
  let drop: () => Promise<void>
  let relay: Relay
  let database: Database
  before(async () => {
    ;({ database: direct, url, drop } = await migratedTestDatabase('unanswered'))
    await direct.query('CREATE TABLE thing (id VARCHAR(10) PRIMARY KEY)')
  })
  beforeEach(() => direct.query('DELETE FROM thing'))
  afterEach(async () => {
    relay.heal()
    await database.close()
    await relay.close()
  })
  after(() => drop())

  const open = async ({ reach, renumber = false }: { reach: number; renumber?: boolean }) => {
    relay = await startRelay(url, { renumber })
    database = openDatabase(relay.url, { look: 20, reach })
  }
  /** Resolves when so many times somebody has asked for our sessions through the relay. */
  const asked = (times: number, through = relay) =>
    new Promise<void>((resolve) => {
      let count = 0
      through.breakWhere((chunk) => {
        if (chunk.includes('SHOW PROCESSLIST') && ++count === times) resolve()
        return undefined
      })
    })
  const idOf = async (connection: Connection) => {
    const [row] = await connection.query<{ id: number }[]>('SELECT CONNECTION_ID() AS id')
    return row?.id
  }

  describe('because the machine of the server has vanished, fails, and the next ones are answered again,', () => {
    const insert = (id: string) => (connection: Connection) => connection.query('INSERT INTO thing VALUES (?)', [id])
    const ways: Record<string, (id: string) => Promise<unknown>> = {
      alone: (id) => insert(id)(database),
      'with values in a prepared statement': (id) => database.query('INSERT INTO thing VALUES (?)', [id], { prepared: true }),
      'in a transaction': (id) => database.transaction(insert(id)),
      'in a hurried transaction': (id) => database.transaction(insert(id), { hurried: true }),
      'under a named lock': (id) => withNamedLock(database, { name: 'vanished', idleSeconds: 60, seconds: 10 }, insert(id)),
    }
    for (const [way, write] of Object.entries(ways)) {
      it(way, async () => {
        await open({ reach: SHORT })
        await write('first')
        relay.breakWhere((chunk) => {
          if (chunk.includes('second')) relay.stall()
          return undefined
        })
        expect(await rejection(write('second'))).to.include(GONE)
        relay.breakWhere(undefined)
        relay.heal()
        await write('third')
        expect(await direct.query("SELECT id FROM thing WHERE id <> 'second' ORDER BY id")).to.deep.equal([
          { id: 'first' },
          { id: 'third' },
        ])
      })
    }

    it('in the middle of what is sent', async () => {
      await open({ reach: SHORT })
      relay.breakWhere((chunk) => {
        if (chunk.includes('xxxx')) relay.stall()
        return undefined
      })
      const large = database.query('SELECT LENGTH(?) AS bytes', ['x'.repeat(12 * 1024 * 1024)])
      expect(await rejection(large)).to.include(GONE)
    })

    it('when a session is being made', async () => {
      await open({ reach: SHORT })
      relay.breakWhere((chunk) => {
        if (chunk.includes('sql_mode')) relay.stall()
        return undefined
      })
      expect(await rejection(database.query('SELECT 1'))).to.include(GONE)
      relay.breakWhere(undefined)
      relay.heal()
      expect(await database.query('SELECT 1 AS one')).to.deep.equal([{ one: 1 }])
    })
  })

  it('because it takes its time, is waited for, also when it is a lock', async () => {
    await open({ reach: 5_000 })
    const name = { name: 'patience', idleSeconds: 60, seconds: 60 }
    const questions = asked(3)
    await direct.query("INSERT INTO thing VALUES ('7')")
    const done = await direct.transaction(async (holder) => {
      await holder.query("DELETE FROM thing WHERE id = '7'")
      return withNamedLock(direct, name, async () => {
        const waiting = [
          withNamedLock(database, name, async () => 'locked'),
          database.query<WriteResult>("INSERT INTO thing VALUES ('7')").then(({ affectedRows }) => affectedRows),
        ]
        await questions
        const [row] = await direct.query(
          "SELECT COUNT(*) AS count FROM information_schema.processlist WHERE state = 'User lock'",
        )
        expect(row).to.deep.equal({ count: 1 })
        return waiting
      }).then((waiting) => ({ waiting }))
    })
    expect(await Promise.all(done.waiting)).to.deep.equal(['locked', 1])
  })

  it('because something between has lost the connection, fails once the server has ended the session, and not before', async () => {
    await open({ reach: 5_000 })
    const failed: DatabaseError[] = []
    await database
      .transaction(async (connection) => {
        const id = await idOf(connection)
        relay.forget()
        const questions = asked(2)
        const lost = connection.query('SELECT 1').catch((error: DatabaseError) => void failed.push(error))
        await questions
        expect(failed).to.deep.equal([])
        await direct.query('KILL ?', [id])
        await lost
      })
      .catch(() => {})
    expect(failed).to.have.length(1)
    expect(failed[0]).to.include(GONE)
    expect(await database.query('SELECT 1 AS one')).to.deep.equal([{ one: 1 }])
  })

  it('behind a proxy that numbers sessions itself is waited for: nobody can say whether they are there', async () => {
    await open({ reach: 5_000, renumber: true })
    const name = { name: 'numbered', idleSeconds: 60, seconds: 60 }
    const questions = asked(2)
    const waiting = await withNamedLock(direct, name, async () => {
      const waiting = withNamedLock(database, name, async () => 'locked')
      await Promise.race([questions, waiting])
      return { waiting }
    })
    expect(await waiting.waiting).to.equal('locked')
  })

  it('is the only thing that anybody is asked about: a transaction in which nothing is under way costs no question', async () => {
    await open({ reach: 5_000 })
    const otherRelay = await startRelay(url)
    const other = openDatabase(otherRelay.url, { look: 20, reach: 5_000 })
    try {
      const name = { name: 'other', idleSeconds: 60, seconds: 60 }
      await database.transaction(async (connection) => {
        await connection.query('SELECT 1')
        await withNamedLock(direct, name, async () => {
          const before = asked(5, otherRelay)
          const waiting = withNamedLock(other, name, async () => {})
          // On a slow machine it was asked about the statement before, and that question may still be on its way.
          await before
          const none = asked(1).then(() => 'asked')
          const questions = asked(5, otherRelay).then(() => 'asked the other')
          expect(await Promise.race([none, questions])).to.equal('asked the other')
          return { waiting }
        })
      })
    } finally {
      await other.close()
      await otherRelay.close()
    }
  })
})
