import { openStage, type Stage } from '@tributary/consumer/testing'
import { ORDER_TOPIC } from '@tributary/events'
import { expect } from 'chai'
import type { Projection } from '../definition.ts'
import { compareTables } from './compare.ts'
import { building } from './names.ts'
import { settleComparison } from './settled-comparison.ts'

const PROJECTION: Projection = {
  name: 'counting',
  topic: ORDER_TOPIC,
  types: ['OrderNotified'],
  tables: [{ name: 'counting', primaryKey: 'id', columns: ['id', 'heard'], by: { columns: ['id'] } }],
  key: () => undefined,
  fold: (state) => ({ state, remarks: [] }),
}

describe('A comparison while both tables are written', () => {
  let stage: Stage
  beforeEach(async () => {
    stage = await openStage('settled', { partitions: 1 })
    for (const table of ['counting', building(2)('counting')])
      await stage.operator.query('CREATE TABLE ?? (id BIGINT PRIMARY KEY, heard INT NOT NULL)', [table])
  })
  afterEach(() => stage.close())

  const settled = async (catchUp: () => Promise<unknown>) => {
    const { signal } = new AbortController()
    const { database } = stage
    const found = await compareTables(database, PROJECTION, building(2), { signal })
    const pace = { parallel: 1, share: 1, again: 0 }
    return await settleComparison({ database, signal, pace }, { generation: 2 }, found, async () => void (await catchUp()))
  }

  it('settles however many rows were in flight, and counts the others', async () => {
    const rebuilt = building(2)('counting')
    const rows = Array.from({ length: 7_000 }, (_, n) => [n + 1, 1])
    for (const table of ['counting', rebuilt]) await stage.operator.query('INSERT INTO ?? (id, heard) VALUES ?', [table, rows])
    await stage.operator.query('UPDATE counting SET heard = 2 WHERE id <= 4000')
    await stage.operator.query('DELETE FROM ?? WHERE id > 6500', [rebuilt])
    const [comparison] = await settled(async () => {
      await stage.operator.query('UPDATE ?? SET heard = 2 WHERE id <= 4000 AND id NOT IN (7, 3999)', [rebuilt])
      await stage.operator.query('INSERT IGNORE INTO ?? (id, heard) SELECT id, heard FROM counting WHERE id > 6501', [rebuilt])
    })
    expect(comparison?.differences.map(({ id, kind }) => [id, kind])).to.deep.equal([
      [7, 'different'],
      [3_999, 'different'],
      [6_501, 'missing'],
    ])
    expect(comparison).to.deep.include({ differing: 3, rows: { live: 7_000, rebuilt: 6_999 } })
  })

  it('counts rows alike that the other table got later, and tells only what still differs', async () => {
    const insert = (table: string, ...rows: [number, number][]) =>
      stage.operator.query('INSERT INTO ?? (id, heard) VALUES ?', [table, rows])
    const rebuilt = building(2)('counting')
    await insert('counting', [1, 1], [2, 1], [3, 1], [4, 1])
    await insert(rebuilt, [1, 1], [4, 7], [5, 1])
    const [comparison] = await settled(async () => {
      await stage.operator.query('INSERT IGNORE INTO ?? (id, heard) VALUES (2, 1), (3, 1)', [rebuilt])
      await stage.operator.query('INSERT IGNORE INTO counting (id, heard) VALUES (5, 1)')
    })
    expect(comparison?.rows).to.deep.equal({ live: 5, rebuilt: 5 })
    expect(comparison?.differences.map(({ id, kind }) => [id, kind])).to.deep.equal([[4, 'different']])
    expect(comparison?.differing).to.equal(1)
  })
})
