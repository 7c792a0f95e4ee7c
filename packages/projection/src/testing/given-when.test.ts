import { expect } from 'chai'
import type { KeyState, Projection, Row } from '../definition.ts'
import { aSellerAuthorized } from './events.ts'
import { given } from './given-when.ts'

/** A projection that adds a row for each event, but for what a test makes it do wrong. */
const counting = (fold: (rows: readonly Row[]) => readonly Row[]): Projection => ({
  name: 'counting',
  topic: 'EG_ORDER_SPI_TOPIC',
  types: ['SellerAuthorized'],
  tables: [{ name: 'counted', primaryKey: 'id', columns: ['id', 'value'], by: { columns: ['id'] } }],
  key: () => [1],
  fold: (state: KeyState) => ({ state: { counted: fold(state['counted'] ?? []) }, remarks: [] }),
})

const event = aSellerAuthorized()
const add = (rows: readonly Row[]): readonly Row[] => [...rows, { id: rows.length + 1, value: 0 }]

describe('the kit for folds', () => {
  it('answers the rows after when, on top of those of given', () => {
    const { rows, unchanged } = given(counting(add), event).when(event)
    expect(rows('counted').map(({ id }) => id)).to.deep.equal([1, 2])
    expect(unchanged).to.equal(false)
    expect(given(counting(add), event).when().unchanged).to.equal(true)
  })

  it('asks for exactly one row where one is meant', () => {
    expect(given(counting(add)).when(event).row('counted')).to.deep.equal({ id: 1, value: 0 })
    expect(() => given(counting(add)).when().row('counted')).to.throw('has 0 rows')
  })

  const faults: [string, (rows: readonly Row[]) => readonly Row[], string][] = [
    [
      'changes the rows it was given',
      (rows) => Object.assign(rows, { [rows.length]: { id: rows.length, value: 0 } }),
      'not extensible',
    ],
    ['looks at something else than its arguments', () => [{ id: 1, value: Math.random() }], 'differently the second time'],
    ['leaves a column out', () => [{ id: 1 }], 'columns of a row'],
    ['makes up a column', () => [{ id: 1, value: 0, extra: 0 }], 'columns of a row'],
    [
      'answers rows out of order',
      () => [
        { id: 2, value: 0 },
        { id: 1, value: 0 },
      ],
      'sorted and distinct',
    ],
    [
      'answers a row twice',
      () => [
        { id: 1, value: 0 },
        { id: 1, value: 0 },
      ],
      'sorted and distinct',
    ],
  ]
  for (const [fault, fold, message] of faults) {
    it(`fails a fold that ${fault}`, () => {
      expect(() => given(counting(fold), event, event)).to.throw(message)
    })
  }
})
