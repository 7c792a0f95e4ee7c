import { expect } from 'chai'
import { summarize } from './blame.ts'

describe('what is kept of an error', () => {
  const thrownBy = (work: () => unknown): unknown => {
    try {
      work()
    } catch (error) {
      return error
    }
    return undefined
  }

  it('is the message of one with a code of ours', () => {
    const error = Object.assign(new Error('no row for it'), { code: 'PROJECTION_ROW_LOST' })
    expect(summarize(error)).to.deep.equal({ code: 'PROJECTION_ROW_LOST', message: 'no row for it' })
  })

  it('is never a value: neither of an error without a code, nor of Node where it says what it was given', () => {
    const erika = { toString: () => 'Erika Muster' }
    for (const error of [
      new TypeError('Erika Muster is not iterable'),
      thrownBy(() => Buffer.alloc('Erika Muster' as never)),
      thrownBy(() => Buffer.alloc(8).write('x', 0, 1, `${erika}` as never)),
      thrownBy(() => process.kill(1, 'Erika Muster' as never)),
    ]) {
      expect(error).to.be.instanceOf(Error)
      expect(JSON.stringify(summarize(error))).not.to.include('Erika')
    }
  })
})
