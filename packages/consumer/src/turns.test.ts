import { expect } from 'chai'
import type { Loop } from './loop.ts'
import { quietLogger } from './testing/stage.ts'
import { createTurns } from './turns.ts'

describe('The turns of a partition', () => {
  const begin = () => {
    const ending = new AbortController()
    const shared = { logger: quietLogger }
    const cursor = { consumer: 'effects', partition: 0 }
    // Of a loop, turns look at these only.
    const loop = { shared, cursor, ending, signal: ending.signal, stage: 'applying' } as unknown as Loop<never>
    return { ending, turns: createTurns(loop) }
  }

  it('finish what may be finished when the partition is given up, but nothing behind what did not start', async () => {
    const { ending, turns } = begin()
    const done: string[] = []
    turns.add(async () => {
      ending.abort()
      done.push('in hand')
    })
    const steps = { sent: true, unsent: false, 'sent behind it': true }
    for (const [step, finishes] of Object.entries(steps))
      turns.add(
        async () => void done.push(step),
        () => finishes,
      )
    await turns.last()
    expect(done, 'the cursor would pass over what was not sent').to.deep.equal(['in hand', 'sent'])
  })

  it('give the partition up when one throws, and finish nothing behind it', async () => {
    const { ending, turns } = begin()
    const done: string[] = []
    turns.add(async () => {
      throw new Error('a fault of ours')
    })
    turns.add(
      async () => void done.push('behind it'),
      () => true,
    )
    await turns.last()
    expect({ done, isGivenUp: ending.signal.aborted }).to.deep.equal({ done: [], isGivenUp: true })
  })

  it('are taken once more as long as one that was added once asks for it, and then never', async () => {
    const { turns } = begin()
    let taken = 0
    const work = async () => {
      taken += 1
      return taken < 3
    }
    turns.addOnce(work)
    turns.addOnce(work)
    while (!turns.isIdle()) await turns.last()
    expect(taken).to.equal(3)
  })
})
