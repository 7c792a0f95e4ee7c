import { expect } from 'chai'
import { addChanged, type ChangedRows, inLockOrder } from './changed-rows.ts'
import type { Row, TableDefinition } from './definition.ts'

const tables: readonly TableDefinition[] = [
  { name: 'parents', primaryKey: 'id', columns: ['id', 'n'], by: { columns: ['n'] } },
  { name: 'children', primaryKey: 'id', columns: ['id', 'n'], by: { parent: 'parents', column: 'n' } },
]
const one: Row = { id: 1, n: 1 }
const two: Row = { id: 2, n: 1 }
const changedBetween = (before: Record<string, Row[]>, after: Record<string, Row[]>): Record<string, Row[]> => {
  const changed: ChangedRows = new Map()
  addChanged(changed, tables, before, after)
  return Object.fromEntries(changed)
}

describe('rows to write', () => {
  it('are those that are new objects; a row that the fold left alone is not written', () => {
    const after = { ...two, n: 5 }
    expect(changedBetween({ children: [one, two] }, { children: [one, after] })).to.deep.equal({ children: [after] })
    expect(changedBetween({}, { parents: [one], children: [] })).to.deep.equal({ parents: [one] })
    expect(changedBetween({ parents: [one] }, { parents: [one] })).to.deep.equal({})
  })

  it('never include the loss of one', () => {
    const lost = () => changedBetween({ children: [one, two] }, { children: [one] })
    expect(lost).to.throw('left out a row of children').with.property('code', 'PROJECTION_ROW_LOST')
    const replaced = () => changedBetween({ children: [one, two] }, { children: [one, { id: 3, n: 1 }] })
    expect(replaced).to.throw().with.property('code', 'PROJECTION_ROW_LOST')
  })

  it('go in the order of their ids, whatever key they belong to', () => {
    expect(inLockOrder([{ id: 10 }, { id: 9 }, { id: 100 }]).map(({ id }) => id)).to.deep.equal([9, 10, 100])
  })
})
