import { expect } from 'chai'
import { workedAhead } from './worked-ahead.ts'

describe('Work on a source ahead of its reader', () => {
  const turn = () => new Promise(setImmediate)
  const turns = async (count: number) => {
    for (let done = 0; done < count; done += 1) await turn()
  }

  /** Counts up, says what it does, and fails or ends at `end`. */
  async function* counting(said: string[], { end, fails = false }: { end: number; fails?: boolean }) {
    try {
      for (let item = 0; item < end; item += 1) {
        said.push(`make ${item}`)
        await turn()
        yield item
      }
      if (fails) throw new Error('no more')
    } finally {
      said.push('end')
    }
  }
  /** Work that says when it begins, and lasts so many turns of the loop. */
  const lasting = (said: string[], count: number) => async (item: number) => {
    said.push(`begin ${item}`)
    await turns(count)
    return item
  }

  it('is under way for as many items as it may while one is used, and for no further one', async () => {
    const said: string[] = []
    let begun: string[] = []
    for await (const item of workedAhead(counting(said, { end: 9 }), 2, lasting(said, 1))) {
      if (item > 0) continue
      await turns(99)
      begun = said.filter((word) => word.startsWith('begin'))
    }
    expect(begun).to.deep.equal(['begin 0', 'begin 1', 'begin 2'])
  })

  it('goes on while the next item is made', async () => {
    const said: string[] = []
    for await (const _ of workedAhead(counting(said, { end: 2 }), 2, lasting(said, 9)));
    expect(said).to.deep.equal(['make 0', 'make 1', 'begin 0', 'begin 1', 'end'])
  })

  it('gives an item while those behind it are under way', async () => {
    const used = Promise.withResolvers<void>()
    const work = async (item: number) => {
      if (item > 0) await used.promise
    }
    for await (const _ of workedAhead(counting([], { end: 2 }), 2, work)) used.resolve()
  })

  it('gives in order what it made out of order', async () => {
    const given: number[] = []
    const ended: number[] = []
    const work = async (item: number) => {
      await turns(20 - item * 5)
      ended.push(item)
      return item
    }
    for await (const item of workedAhead(counting([], { end: 4 }), 3, work)) given.push(item)
    expect(given).to.deep.equal([0, 1, 2, 3])
    expect(ended).to.not.deep.equal(given)
  })

  it('throws what failed, in the source or in the work, after everything before it has been used', async () => {
    const used: number[] = []
    const use = async (fails: boolean, work: (item: number) => Promise<number>) => {
      used.length = 0
      for await (const item of workedAhead(counting([], { end: 3, fails }), 2, work)) used.push(item)
    }
    const failing = async (item: number) => (item === 1 ? Promise.reject(new Error('not this one')) : item)
    expect(await use(true, async (item) => item).catch(({ message }: Error) => message)).to.equal('no more')
    expect(used).to.deep.equal([0, 1, 2])
    expect(await use(false, failing).catch(({ message }: Error) => message)).to.equal('not this one')
    expect(used).to.deep.equal([0])
  })

  it('leaves nothing under way when its reader stops half-way', async () => {
    const said: string[] = []
    let working = 0
    const work = async (item: number) => {
      working += 1
      await turns(9)
      working -= 1
      return item
    }
    for await (const item of workedAhead(counting(said, { end: 9 }), 2, work)) if (item === 1) break
    expect(working).to.equal(0)
    expect(said.at(-1)).to.equal('end')
  })
})
