import { pause } from '@tributary/runtime'
import { expect } from 'chai'
import { createTailWatcher } from './tail-watcher.ts'

const forever = new AbortController().signal

describe('The watcher of the ends of a topic', () => {
  it('asks nothing while nobody waits', async () => {
    let looks = 0
    const watcher = createTailWatcher(async () => [++looks])
    await pause(50)
    await watcher.reached(0, 0, AbortSignal.timeout(100))
    const before = looks
    expect(before).to.be.greaterThan(0)
    await watcher.reached(0, 0, forever)
    await pause(50)
    expect(looks).to.equal(before)
  })

  it('looks for all who wait with one question, ever more seldom in silence', async () => {
    let looks = 0
    const watcher = createTailWatcher(async () => {
      looks += 1
      return [0, 0, 0, 0]
    })
    await Promise.all([0, 1, 2, 3].map((partition) => watcher.reached(partition, 0, AbortSignal.timeout(600))))
    // Every 5 ms for 40 ms, then at an eighth of the silence: 30 looks. One every 5 ms would be 120, for each of four.
    expect(looks).to.be.within(10, 40)
  })

  it('looks for those who wait although others keep coming to wait', async () => {
    const watcher = createTailWatcher(async () => [1])
    let isTold = false
    watcher.reached(0, 0, forever).then(() => {
      isTold = true
    })
    // Each comes a millisecond or more after the one before.
    for (let come = 0; !isTold && come < 300; come += 1) {
      const gone = new AbortController()
      const waited = watcher.reached(0, 9, gone.signal)
      await pause(0)
      gone.abort()
      await waited
    }
    expect(isTold).to.equal(true)
  })

  it('wakes whoever waits for an event that this process appended, without a look', async () => {
    let looks = 0
    const watcher = createTailWatcher(async () => {
      looks += 1
      return [0, 0]
    })
    const reached = watcher.reached(1, 3, forever)
    watcher.advance([[1, 3]])
    let woken = false
    reached.then(() => {
      woken = true
    })
    await pause(0)
    expect(woken).to.equal(false)
    const before = looks
    watcher.advance([[1, 4]])
    await reached
    expect(looks).to.equal(before)
  })

  it('goes on after looks that failed', async () => {
    let looks = 0
    const watcher = createTailWatcher(async () => {
      looks += 1
      if (looks === 1) throw new Error('away')
      return [1]
    })
    await watcher.reached(0, 0, forever)
    expect(looks).to.equal(2)
  })
})
