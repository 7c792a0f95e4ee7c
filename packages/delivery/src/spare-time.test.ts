import { setImmediate as turnOfLoop } from 'node:timers/promises'
import { expect } from 'chai'
import { createSpareTime, nextAllowance } from './spare-time.ts'

const forever = new AbortController().signal

/** What may begin in a tick after so many in which the loop was busy for that share. */
const settled = (busyShare: (allowance: number) => number, from: number): number => {
  let allowance = from
  for (let tick = 0; tick < 200; tick += 1) allowance = nextAllowance(allowance, busyShare(allowance))
  return allowance
}

describe('Spare time', () => {
  it('is what others leave of the event loop, if little, then little, but never none', () => {
    // Each piece takes 2 % of a tick; others take what is told.
    const beside = (others: number) => settled((allowance) => Math.min(1, others + allowance * 0.02), 4)
    expect(beside(0)).to.be.closeTo(25, 1)
    expect(beside(0.2)).to.be.closeTo(15, 1)
    expect(beside(0.4)).to.be.closeTo(5, 1)
    expect(beside(1)).to.equal(4)
  })

  it('is not used up by work that waits for others: then it only has an upper end', () => {
    expect(settled(() => 0.05, 4)).to.equal(64)
  })

  it('lets nothing more begin than a look allowed, and the rest after the next, in their order', async () => {
    const looked = Promise.withResolvers<void>()
    let looks = 0
    const spare = createSpareTime(() => {
      looks += 1
      if (looks === 2) looked.resolve()
      return 1
    })
    const begun: number[] = []
    const turns = Array.from({ length: 10 }, async (_, number) => {
      await spare.turn(forever)
      // How often it had looked by then.
      begun.push(looks)
      return number
    })
    await looked.promise
    await turnOfLoop()
    expect(begun).to.deep.equal([1, 1, 1, 1, 2, 2, 2, 2])
    await Promise.all(turns)
    expect(begun.slice(8)).to.deep.equal([3, 3])
  })

  it('lets one of many pieces begin at once, and the next when there was room for all of them', async () => {
    let looks = 0
    const spare = createSpareTime(() => {
      looks += 1
      return 1
    })
    await spare.turn(forever, 10)
    expect(looks).to.equal(1)
    await spare.turn(forever)
    // Four a look: after the third there is room for two more than the ten.
    expect(looks).to.equal(3)
  })

  it('forgets who gave up', async () => {
    const spare = createSpareTime(() => 1)
    const ending = new AbortController()
    const first = spare.turn(ending.signal).catch((error: unknown) => error)
    const second = spare.turn(forever)
    ending.abort('ended')
    expect(await first).to.equal('ended')
    await second
    expect(await spare.turn(AbortSignal.abort('late')).catch((error: unknown) => error)).to.equal('late')
  })
})
