import type { Database } from '@tributary/database'
import { pause } from '@tributary/runtime'
import { migratedTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import { moveCursor, positionInOurEpoch, proveOwnership, readCursors, takeOver } from './cursor.ts'
import { ConsumerError } from './errors.ts'

describe('a cursor', () => {
  let database: Database
  let drop: () => Promise<void>
  let made = 0
  let name = { consumer: '', topic: 'TOPIC', partition: 3 }

  before(async () => {
    ;({ database, drop } = await migratedTestDatabase('cursor'))
  })
  after(() => drop())
  beforeEach(() => {
    name = { ...name, consumer: `consumer${++made}` }
  })

  const move = (cursor: Parameters<typeof moveCursor>[1], to: number) =>
    database.transaction((connection) => moveCursor(connection, cursor, to))
  const refusal = (work: Promise<unknown>) =>
    work.then(
      () => undefined,
      (error: unknown) => (error instanceof ConsumerError ? error.code : error),
    )

  it('begins at the first position, and grows its epoch with every owner', async () => {
    const first = await takeOver(database, name, 'one')
    expect(first).to.deep.equal({ ...name, epoch: 1, next: 0 })
    await move(first, 20)
    expect(await takeOver(database, name, 'two')).to.deep.equal({ ...name, epoch: 2, next: 20 })
  })

  it('moves only for the owner of its epoch, and only from where that owner left it', async () => {
    const zombie = await takeOver(database, name, 'one')
    const owner = await takeOver(database, name, 'two')
    expect(await refusal(move(zombie, 5))).to.equal('CONSUMER_FENCED')
    await move(owner, 5)
    expect(await refusal(move(owner, 9))).to.equal('CONSUMER_FENCED')
    expect((await readCursors(database, name.consumer, 'TOPIC'))[0]?.next).to.equal(5)
  })

  it('undoes what the transaction of a fenced owner wrote', async () => {
    await database.query('CREATE TABLE written (n INT)')
    const zombie = await takeOver(database, name, 'one')
    await takeOver(database, name, 'two')
    const work = database.transaction(async (connection) => {
      await connection.query('INSERT INTO written VALUES (1)')
      await moveCursor(connection, zombie, 5)
    })
    expect(await refusal(work)).to.equal('CONSUMER_FENCED')
    expect(await database.query('SELECT * FROM written')).to.deep.equal([])
  })

  it('counts found rows, so that a proof which changes nothing still proves', async () => {
    const owner = await takeOver(database, name, 'one')
    await database.transaction((connection) => proveOwnership(connection, owner))
    await database.transaction((connection) => proveOwnership(connection, owner))
    await takeOver(database, name, 'two')
    const refused = database.transaction((connection) => proveOwnership(connection, owner))
    expect(await refusal(refused)).to.equal('CONSUMER_FENCED')
  })

  it('is taken over only after the former owner has ended its open transaction, and from where that left it', async () => {
    const zombie = await takeOver(database, name, 'one')
    const order: string[] = []
    let taken: ReturnType<typeof takeOver> | undefined
    await database.transaction(async (connection) => {
      await moveCursor(connection, zombie, 7)
      taken = takeOver(database, name, 'two').finally(() => order.push('taken over'))
      await untilWaitingForLock(database)
      order.push('committed')
    })
    expect(await taken).to.deep.equal({ ...name, epoch: 2, next: 7 })
    expect(order).to.deep.equal(['committed', 'taken over'])
  })

  it('tells a move of our own from that of another, after a commit whose outcome is unknown', async () => {
    const owner = await takeOver(database, name, 'one')
    await move(owner, 5)
    expect(await positionInOurEpoch(database, owner)).to.equal(5)
    await takeOver(database, name, 'two')
    expect(await positionInOurEpoch(database, owner)).to.equal(undefined)
  })

  it('tells names apart byte by byte', async () => {
    await takeOver(database, name, 'one')
    expect((await takeOver(database, { ...name, consumer: name.consumer.toUpperCase() }, 'one')).epoch).to.equal(1)
  })
})

async function untilWaitingForLock(database: Database): Promise<void> {
  for (;;) {
    const rows =
      await database.query(`SELECT 1 FROM information_schema.innodb_trx JOIN information_schema.processlist p ON p.id = trx_mysql_thread_id
       WHERE trx_state = 'LOCK WAIT' AND p.db = DATABASE()`)
    if (rows.length > 0) return
    // InnoDB renews these tables only when nobody has read them for a tenth of a second.
    await pause(150)
  }
}
