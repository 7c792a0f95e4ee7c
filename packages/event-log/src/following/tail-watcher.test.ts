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
    const looks: number[] = []
    const enough = new AbortController()
    const watcher = createTailWatcher(async () => {
      if (looks.push(performance.now()) === 25) enough.abort()
      return [0, 0, 0, 0]
    })
    const waited = [0, 1, 2, 3].map((partition) => watcher.reached(partition, 0, enough.signal))
    const begun = performance.now()
    await Promise.all(waited)
    // Every 5 ms for 40 ms, then at an eighth of the silence. A timer may fire a millisecond early, by this clock.
    for (const [index, look] of looks.slice(1).entries()) {
      const before = looks[index] ?? 0
      expect(look - before).to.be.above(Math.max(5, (before - begun) / 8) - 2)
    }
    // One every 5 ms would have had them all in 120 ms.
    expect((looks.at(-1) ?? 0) - begun).to.be.above(150)
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

  it('looks for events of others more seldom, and all the same, while this process appends', async () => {
    let looks = 0
    const watcher = createTailWatcher(async () => {
      looks += 1
      return [0, 0]
    })
    const waiting = new AbortController()
    const waited = watcher.reached(1, 0, waiting.signal)
    const begin = performance.now()
    for (let end = 1; looks < 5; end += 1) {
      watcher.advance([[0, end]])
      await pause(0)
    }
    // Four times 25 ms lie between five looks; every 5 ms it would be a fifth of that.
    expect(performance.now() - begin).to.be.at.least(95)
    waiting.abort()
    await waited
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
