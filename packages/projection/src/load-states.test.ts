import type { Database } from '@tributary/database'
import { migratedTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import type { Cell, TableDefinition } from './definition.ts'
import { forcibleIndexes } from './forced-index.ts'
import { keyText } from './keys.ts'
import { createReachLoader } from './load-reached.ts'
import { createStateLoader } from './load-states.ts'

const TABLES: readonly TableDefinition[] = [
  { name: 'parent', primaryKey: 'id', columns: ['id', 'shop', 'number', 'n'], by: { columns: ['shop', 'number'] } },
  { name: 'child', primaryKey: 'id', columns: ['id', 'parent_id', 'n'], by: { parent: 'parent', column: 'parent_id' } },
  { name: 'note', primaryKey: 'id', columns: ['id', 'n'], by: { parent: 'parent', column: 'id' } },
]
const keysOf = (...keys: (readonly Cell[])[]) => new Map(keys.map((cells) => [keyText(cells), cells]))

describe('the states of keys', () => {
  let database: Database
  let drop: () => Promise<void>
  const load = createStateLoader(TABLES)

  before(async () => {
    ;({ database, drop } = await migratedTestDatabase('states'))
    const collation = 'CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci'
    await database.query(
      `CREATE TABLE parent (id BIGINT PRIMARY KEY, shop INT, number VARCHAR(50), n INT, KEY other (shop, n), KEY found (shop, number)) ${collation}`,
    )
    await database.query(
      `CREATE TABLE child (id BIGINT PRIMARY KEY, parent_id BIGINT, n INT, KEY by_parent (parent_id)) ${collation}`,
    )
    await database.query(`CREATE TABLE note (id BIGINT PRIMARY KEY, n INT) ${collation}`)
  })
  after(() => drop())
  beforeEach(async () => {
    for (const { name } of TABLES) await database.query('TRUNCATE TABLE ??', [name])
  })

  it('have all rows of each key, sorted by id, and lists for tables without any', async () => {
    await database.query("INSERT INTO parent VALUES (5, 1, 'a', 0), (6, 1, 'b', 0), (7, 2, 'a', 0)")
    await database.query('INSERT INTO child VALUES (30, 5, 0), (4, 5, 0), (20, 7, 0)')
    await database.query('INSERT INTO note VALUES (5, 9)')
    const states = await load(database, keysOf([1, 'a'], [1, 'b'], [3, 'x']))
    expect(Object.fromEntries(states)).to.deep.equal({
      '1:a': {
        parent: [{ id: 5, shop: 1, number: 'a', n: 0 }],
        child: [
          { id: 4, parent_id: 5, n: 0 },
          { id: 30, parent_id: 5, n: 0 },
        ],
        note: [{ id: 5, n: 9 }],
      },
      '1:b': { parent: [{ id: 6, shop: 1, number: 'b', n: 0 }], child: [], note: [] },
      '3:x': { parent: [], child: [], note: [] },
    })
  })

  it('hold no row of a key that the collation merely takes for the same', async () => {
    await database.query("INSERT INTO parent VALUES (5, 1, 'abc', 0), (6, 1, 'ABC', 0), (7, 1, 'abc ', 0)")
    await database.query('INSERT INTO child VALUES (8, 6, 0)')
    const states = await load(database, keysOf([1, 'abc'], [1, 'ABC']))
    expect(states.get('1:abc')?.['parent']?.map(({ id }) => id)).to.deep.equal([5])
    expect(states.get('1:ABC')?.['parent']?.map(({ id }) => id)).to.deep.equal([6])
    expect(states.get('1:ABC')?.['child']).to.have.length(1)
  })

  it('are found for more keys than one statement takes', async () => {
    const rows = Array.from({ length: 1_200 }, (_, n) => [n + 1, 1, `order-${n}`, 0])
    await database.query('INSERT INTO parent VALUES ?', [rows])
    const states = await load(database, keysOf(...rows.map(([, shop, number]) => [shop ?? null, number ?? null])))
    expect([...states.values()].every((state) => state['parent']?.length === 1)).to.equal(true)
  })

  it('are found again when an index that was looked in has another name now', async () => {
    await database.query("INSERT INTO parent VALUES (5, 1, 'a', 0)")
    const loadReached = createReachLoader(TABLES, (table) => table)
    const needs = [{ table: 'parent', column: 'shop', values: [1] }]
    const loads = async () => [await load(database, keysOf([1, 'a'])), await loadReached(database, needs)]
    const before = await loads()
    await database.query(
      'ALTER TABLE parent DROP KEY found, DROP KEY other, ADD KEY better (shop, number), ADD KEY in_part (shop, number(3)), ADD FULLTEXT KEY words (number)',
    )
    expect((await forcibleIndexes(database, 'parent')).map(({ name }) => name)).to.deep.equal(['PRIMARY', 'better'])
    for (const loading of [() => load(database, keysOf([1, 'a'])), () => loadReached(database, needs)])
      expect(await loading().catch((error: Error) => error)).to.include({ code: 'DATABASE_SCHEMA_MISMATCH' })
    expect(await loads()).to.deep.equal(before)
    await database.query(
      'ALTER TABLE parent DROP KEY better, DROP KEY in_part, DROP KEY words, ADD KEY other (shop, n), ADD KEY found (shop, number)',
    )
    await load(database, keysOf([1, 'a'])).catch(() => {})
  })

  it('are looked up in no index that the server was told to leave alone', async () => {
    const [server] = await database.query<{ version: string }[]>('SELECT VERSION() AS version')
    const aside = server?.version.includes('MariaDB') ? 'IGNORED' : 'INVISIBLE'
    await database.query(`ALTER TABLE parent ADD KEY aside (shop, number, n) ${aside}`)
    const names = (await forcibleIndexes(database, 'parent')).map(({ name }) => name)
    await database.query('ALTER TABLE parent DROP KEY aside')
    expect(names).to.have.members(['PRIMARY', 'other', 'found'])
  })

  it('are looked up in the index of the key, however many rows share its first columns', async () => {
    const rows = Array.from({ length: 4_000 }, (_, n) => [n + 1, 1, `order-${n}`, n])
    // Filled right after it was emptied, as here, a table has statistics that mislead the server.
    await database.query('INSERT INTO parent VALUES ?', [rows])
    const keys = keysOf(...rows.slice(1_000, 1_400).map(([, shop, number]) => [shop ?? null, number ?? null]))
    const read = await database.transaction(async (connection) => {
      const handlerReads = async () => {
        const counters = await connection.query<{ Value: string }[]>("SHOW SESSION STATUS LIKE 'Handler_read%'")
        return counters.reduce((sum, { Value }) => sum + Number(Value), 0)
      }
      const before = await handlerReads()
      await load(connection, keys)
      return (await handlerReads()) - before
    })
    // Some for each of the 400, with what a list of constants costs the server itself; not all 4,000 for each.
    expect(read).to.be.lessThan(3_500)
  })
})
