import { openStage, type Stage } from '@tributary/consumer/testing'
import { ORDER_TOPIC } from '@tributary/events'
import { expect } from 'chai'
import type { Projection } from '../definition.ts'
import { building } from './names.ts'
import { compareSettled } from './settled-comparison.ts'

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

  it('counts rows alike that the other table got later, and tells only what still differs', async () => {
    const insert = (table: string, ...rows: [number, number][]) =>
      stage.operator.query('INSERT INTO ?? (id, heard) VALUES ?', [table, rows])
    const rebuilt = building(2)('counting')
    await insert('counting', [1, 1], [2, 1], [3, 1], [4, 1])
    await insert(rebuilt, [1, 1], [4, 7], [5, 1])
    const { database } = stage
    const [comparison] = await compareSettled(
      {
        ...{ projection: PROJECTION, database, signal: new AbortController().signal },
        pace: { parallel: 1, share: 1, again: 0 },
      },
      { generation: 2 },
      async () => {
        await stage.operator.query('INSERT IGNORE INTO ?? (id, heard) VALUES (2, 1), (3, 1)', [rebuilt])
        await stage.operator.query('INSERT IGNORE INTO counting (id, heard) VALUES (5, 1)')
      },
    )
    expect(comparison?.rows).to.deep.equal({ live: 5, rebuilt: 5 })
    expect(comparison?.differences.map(({ id, kind }) => [id, kind])).to.deep.equal([[4, 'different']])
    expect(comparison?.differing).to.equal(1)
  })
})
