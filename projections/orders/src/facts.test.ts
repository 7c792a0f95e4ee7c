import { expect } from 'chai'
import { type Facts, readFacts, writeFacts } from './facts.ts'

const facts = (older: Record<string, number>, lines: Record<string, number>, cut: string[]): Facts => ({
  newest: 9,
  erased: 'told',
  address: 7,
  older,
  listed: 8,
  lines,
  cut: new Set(cut),
})

describe('the facts of an order', () => {
  it('come back from their text as they were', () => {
    const known = facts({ buyer_name: 1 }, { '891408887636352': 2 }, ['buyer_remark'])
    expect(readFacts({ id: 1, facts: writeFacts(known) })).to.deep.equal(known)
    const nothing = readFacts(undefined)
    expect(readFacts({ id: 1, facts: writeFacts(nothing) })).to.deep.equal(nothing)
    expect(writeFacts(nothing)).to.equal('{}')
  })

  it('are the same text whatever order they were learnt in', () => {
    const one = facts({ a: 1, b: 2 }, { '891408887636352': 1, '891408887636353': 2 }, ['x', 'y'])
    const other = facts({ b: 2, a: 1 }, { '891408887636353': 2, '891408887636352': 1 }, ['y', 'x'])
    expect(writeFacts(other)).to.equal(writeFacts(one))
  })
})
