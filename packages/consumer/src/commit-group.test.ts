import type { Connection, Database } from '@tributary/database'
import { migratedTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import { commitGroupOf, type Move } from './commit-group.ts'
import { type OwnedCursor, readCursors, takeOver } from './cursor.ts'

describe('Commits that are shared', () => {
  let database: Database
  let drop: () => Promise<void>
  before(async () => {
    ;({ database, drop } = await migratedTestDatabase('commit_group'))
    await database.query('CREATE TABLE effect (name VARCHAR(20) PRIMARY KEY, in_one_statement INT)')
  })
  after(() => drop())
  beforeEach(() => database.query('DELETE FROM effect'))

  /** Each effect is a row that tells how many were written with it. */
  const write = async (connection: Connection, names: readonly string[]): Promise<void> => {
    await connection.query('INSERT INTO effect VALUES ?', [names.map((name) => [name, names.length])])
  }
  const own = (consumer: string): Promise<OwnedCursor> => takeOver(database, { consumer, topic: 'orders', partition: 0 }, '')
  const move = (cursor: OwnedCursor, effect: string, more: Partial<Move<string>> = {}): Promise<void> =>
    commitGroupOf(database, false).move({
      ...{ cursor, to: cursor.next + 5, events: 1, before: async () => {}, together: write, prepared: [effect] },
      ...more,
    })
  const effects = () =>
    database.query<{ name: string; in_one_statement: number }[]>('SELECT name, in_one_statement FROM effect ORDER BY name')
  const positionOf = async (consumer: string) => (await readCursors(database, consumer, 'orders'))[0]?.next

  it('take in whatever comes within a moment, and while a transaction is under way', async () => {
    const cursors = await Promise.all(['a', 'b', 'c', 'k'].map(own))
    const [a, b, c, k] = cursors as [OwnedCursor, OwnedCursor, OwnedCursor, OwnedCursor]
    const [writing, late] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const slowly = async (connection: Connection, names: readonly string[]): Promise<void> => {
      writing.resolve()
      await late.promise
      await write(connection, names)
    }
    const first = [move(a, 'a', { together: slowly }), move(b, 'b', { together: slowly })]
    await writing.promise
    const second = [move(c, 'c'), move(k, 'k')]
    expect(await effects()).to.have.length(0)
    late.resolve()
    await Promise.all([...first, ...second])
    expect((await effects()).map((row) => ({ ...row }))).to.deep.equal(
      ['a', 'b', 'c', 'k'].map((name) => ({ name, in_one_statement: 2 })),
    )
    for (const { consumer } of cursors) expect(await positionOf(consumer)).to.equal(5)
  })

  it('leave out one whose cursor is owned by another, or whose effects fail, and nobody else', async () => {
    const [first, fenced, failing, last] = (await Promise.all(['d', 'e', 'f', 'g'].map(own))) as [
      OwnedCursor,
      OwnedCursor,
      OwnedCursor,
      OwnedCursor,
    ]
    await own('e')
    const [, ofFenced, ofFailing, ofLast] = await Promise.allSettled([
      move(first, 'd'),
      move(fenced, 'e'),
      move(failing, 'a name that is longer than twenty characters'),
      move(last, 'g'),
    ])
    expect(ofFenced).to.have.nested.property('reason.code', 'CONSUMER_FENCED')
    expect(ofFailing)
      .to.have.nested.property('reason.code')
      .which.matches(/^DATABASE_/)
    expect(ofLast).to.include({ status: 'fulfilled' })
    expect((await effects()).map(({ name }) => name)).to.deep.equal(['d', 'g'])
    expect(await Promise.all(['d', 'e', 'f', 'g'].map(positionOf))).to.deep.equal([5, 0, 0, 5])
  })

  it('go on without one whose cursor somebody keeps locked', async () => {
    const [first, locked, last] = (await Promise.all(['h', 'i', 'j'].map(own))) as [OwnedCursor, OwnedCursor, OwnedCursor]
    let ofLocked: Promise<void> | undefined
    await database.transaction(async (holder) => {
      await holder.query("SELECT epoch FROM tributary_cursor WHERE consumer = 'i' FOR UPDATE")
      ofLocked = move(locked, 'i')
      await Promise.all([move(first, 'h'), move(last, 'j')])
      expect(await positionOf('i')).to.equal(0)
    })
    await ofLocked
    expect(await Promise.all(['h', 'i', 'j'].map(positionOf))).to.deep.equal([5, 5, 5])
    // Whoever else uses the pool waits for locks as long as the server says.
    const [session] = await database.query<{ same: number }[]>(
      'SELECT @@SESSION.innodb_lock_wait_timeout = @@GLOBAL.innodb_lock_wait_timeout AS same',
    )
    expect(session?.same).to.equal(1)
  })
})
