import { until } from '@tributary/test/servers'
import { expect } from 'chai'
import { startWorkLoop, type WorkLoop } from './work-loop.ts'

describe('a work loop', () => {
  let loop: WorkLoop | undefined
  afterEach(() => loop?.stop())

  const start = (turn: (signal: AbortSignal) => Promise<boolean>, idle = { shortest: 1, longest: 60_000 }) => {
    const errors: unknown[] = []
    loop = startWorkLoop({ turn, failed: (error) => void errors.push(error), idle })
    return { loop, errors }
  }

  it('takes turns without a pause while they find work', async () => {
    let turns = 0
    start(async () => ++turns < 1_000, { shortest: 60_000, longest: 60_000 })
    await until('all turns are taken', () => turns === 1_000)
  })

  it('looks less and less often while there is none, and at once when it is woken', async () => {
    const times: number[] = []
    const { loop: running } = start(async () => {
      times.push(performance.now())
      return false
    })
    await until('it waits for a while', () => times.length >= 6)
    const before = times.length
    running.wake()
    await until('it looked again', () => times.length > before)
  })

  it('does not lose a wake that comes during a turn', async () => {
    let turns = 0
    const { loop: running } = start(
      async () => {
        turns += 1
        if (turns === 1) running.wake()
        return false
      },
      { shortest: 60_000, longest: 60_000 },
    )
    await until('there was a second turn', () => turns === 2)
  })

  it('reports a turn that fails, and goes on', async () => {
    let turns = 0
    const { errors } = start(async () => {
      turns += 1
      if (turns === 1) throw new Error('once')
      return false
    })
    await until('it went on', () => turns > 1)
    expect(errors).to.have.length(1)
  })

  it('ends when the turn in hand has ended, and tells it to', async () => {
    let begun = false
    let ended = false
    const { loop: running } = start(async (signal) => {
      begun = true
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      ended = true
      return true
    })
    await until('a turn is in hand', () => begun)
    await running.stop()
    expect(ended).to.equal(true)
  })
})
