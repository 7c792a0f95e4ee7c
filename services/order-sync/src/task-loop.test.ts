import { until } from '@tributary/test/servers'
import { expect } from 'chai'
import { startTaskLoop } from './task-loop.ts'

describe('a loop of claimed tasks', () => {
  it('takes up what it claimed without an answer, also when that was done only after it had looked', async () => {
    const task = { name: 'only' }
    let state: 'due' | 'adrift' | 'done' = 'due'
    let broken = 0
    const loop = startTaskLoop({
      most: 1,
      async claim() {
        if (broken === 0) {
          broken += 1
          throw new Error('The connection broke.')
        }
        return state === 'due' ? task : undefined
      },
      async release() {
        // The server comes to the claim of before only now.
        state = state === 'due' ? 'adrift' : 'due'
      },
      async handle() {
        state = 'done'
      },
      lost: () => {},
      failed: () => {},
      idle: { shortest: 5, longest: 50 },
    })
    await until('the task is done', () => state === 'done')
    await loop.stop()
    expect(broken).to.equal(1)
  })
})
