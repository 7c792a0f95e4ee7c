import { expect } from 'chai'
import { inOneTurn } from './in-one-turn.ts'

describe('look-ups of one turn of the event loop', () => {
  const asked: string[][] = []
  const look = inOneTurn(async (keys: readonly string[]) => {
    asked.push([...keys])
    if (keys.includes('bad')) throw new Error('refused')
    return new Map(keys.map((key) => [key, key.toUpperCase()]))
  })
  beforeEach(() => {
    asked.length = 0
  })

  it('become one, which answers everybody', async () => {
    const [first, second] = await Promise.all([look(['a', 'b']), look(['b', 'c'])])
    expect(asked).to.deep.equal([['a', 'b', 'c']])
    expect([first.get('a'), second.get('c')]).to.deep.equal(['A', 'C'])
  })

  it('begin after they are asked for: who comes later does not share one that is under way', async () => {
    const first = look(['a'])
    await first
    await look(['a'])
    expect(asked).to.deep.equal([['a'], ['a']])
  })

  it('fail together, and the next one is asked anew', async () => {
    const outcomes = await Promise.allSettled([look(['bad']), look(['a'])])
    expect(outcomes.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected'])
    expect((await look(['a'])).get('a')).to.equal('A')
  })
})
