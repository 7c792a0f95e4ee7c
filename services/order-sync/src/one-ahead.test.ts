import { expect } from 'chai'
import { oneAhead } from './one-ahead.ts'

describe('A source read one item ahead', () => {
  /** Counts up, says what it does, and fails or ends at `end`. */
  async function* counting(said: string[], { end, fails = false }: { end: number; fails?: boolean }) {
    try {
      for (let item = 0; item < end; item += 1) {
        said.push(`make ${item}`)
        await new Promise(setImmediate)
        yield item
      }
      if (fails) throw new Error('no more')
    } finally {
      said.push('end')
    }
  }

  it('makes the next item while one is worked on, and no further one', async () => {
    const said: string[] = []
    for await (const item of oneAhead(counting(said, { end: 3 }))) {
      await new Promise(setImmediate)
      said.push(`work on ${item}`)
    }
    expect(said).to.deep.equal(['make 0', 'make 1', 'work on 0', 'make 2', 'work on 1', 'end', 'work on 2'])
  })

  it('throws what failed after everything before it has been worked on', async () => {
    const worked: number[] = []
    const work = async () => {
      for await (const item of oneAhead(counting([], { end: 2, fails: true }))) worked.push(item)
    }
    expect(await work().catch(({ message }: Error) => message)).to.equal('no more')
    expect(worked).to.deep.equal([0, 1])
  })

  it('leaves nothing under way when its reader stops half-way', async () => {
    const said: string[] = []
    for await (const item of oneAhead(counting(said, { end: 9 }))) if (item === 1) break
    expect(said).to.deep.equal(['make 0', 'make 1', 'make 2', 'end'])
  })
})
