import { openStage, type Stage } from '@tributary/consumer/testing'
import type { Connection } from '@tributary/database'
import { ORDER_TOPIC } from '@tributary/events'
import { expect } from 'chai'
import type { Projection } from '../definition.ts'
import { compareAgain, compareTables } from './compare.ts'
import { building } from './names.ts'

const PROJECTION: Projection = {
  name: 'large',
  topic: ORDER_TOPIC,
  types: ['OrderNotified'],
  tables: [{ name: 'large', primaryKey: 'id', columns: ['id', 'body', 'note'], by: { columns: ['id'] } }],
  key: () => undefined,
  fold: (state) => ({ state, remarks: [] }),
}
const ROW = 20_000

describe('A comparison of tables with large rows', () => {
  let stage: Stage
  const rebuilt = building(2)('large')
  before(async () => {
    stage = await openStage('compare', { partitions: 1 })
    for (const table of ['large', rebuilt]) {
      await stage.operator.query('CREATE TABLE ?? (id BIGINT PRIMARY KEY, body MEDIUMTEXT, note VARCHAR(20) NULL)', [table])
      const rows = Array.from({ length: 300 }, (_, id) => [id + 1, 'x'.repeat(ROW), null])
      await stage.operator.query('INSERT INTO ?? VALUES ?', [table, rows.slice(0, 150)])
      await stage.operator.query('INSERT INTO ?? VALUES ?', [table, rows.slice(150)])
    }
    await stage.operator.query("UPDATE ?? SET note = '' WHERE id IN (7, 250)", [rebuilt])
    await stage.operator.query('DELETE FROM ?? WHERE id = 100', [rebuilt])
    await stage.operator.query('DELETE FROM large WHERE id = 300')
  })
  after(() => stage.close())

  it('finds what differs without having more than some of the rows in hand', async () => {
    let largest = 0
    const measuring: Connection = {
      async query<R>(text: string, values?: readonly unknown[]): Promise<R> {
        const answer = await stage.operator.query<R>(text, values)
        largest = Math.max(largest, JSON.stringify(answer).length)
        return answer
      },
    }
    const signal = new AbortController().signal
    const comparisons = await compareTables(measuring, PROJECTION, building(2), { signal })
    const expected = [
      { table: 'large', id: 7, kind: 'different', changes: [{ column: 'note', live: null, rebuilt: '' }] },
      { table: 'large', id: 250, kind: 'different', changes: [{ column: 'note', live: null, rebuilt: '' }] },
      { table: 'large', id: 100, kind: 'missing', changes: [] },
      { table: 'large', id: 300, kind: 'new', changes: [] },
    ].toSorted((one, other) => one.id - other.id)
    const [comparison] = comparisons
    expect(comparison?.rows).to.deep.equal({ live: 299, rebuilt: 299 })
    expect(comparison?.differing).to.equal(4)
    expect(comparison?.differences.toSorted((one, other) => one.id - other.id)).to.deep.equal(expected)
    expect(await compareAgain(measuring, comparisons, building(2), { all: true, signal })).to.deep.equal(comparisons)
    expect(largest).to.be.below(10 * ROW)
  })
})
