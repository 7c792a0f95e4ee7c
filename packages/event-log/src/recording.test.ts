import { expect } from 'chai'
import { createRecording, type Recorded } from './recording.ts'

const places = (...ids: string[]): Recorded[] => ids.map((id) => ({ id, partition: 0, position: 0 }))

describe('The recording of what was sent', () => {
  /** Writes that end when the test says so. */
  const heldWrites = () => {
    const writes: { ids: string[]; end(): void }[] = []
    const recording = createRecording((written) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      writes.push({ ids: written.map(({ id }) => id), end: resolve })
      return promise
    })
    return { writes, recording, ids: () => writes.map((write) => write.ids) }
  }

  it('begins when an append says so, one write at a time, and what comes meanwhile shares the next', async () => {
    const { recording, writes, ids } = heldWrites()
    recording.add(places('a'))
    recording.add(places('b'))
    expect(ids(), 'an append may be claiming').to.deep.equal([])
    recording.begin()
    recording.add(places('c'))
    recording.begin()
    recording.add(places('d'))
    expect(ids()).to.deep.equal([['a', 'b']])
    const done = recording.done()
    writes[0]?.end()
    await Promise.race([done, new Promise(setImmediate)])
    expect(ids()).to.deep.equal([
      ['a', 'b'],
      ['c', 'd'],
    ])
    writes[1]?.end()
    await done
  })

  it('begins by itself when no append follows', async () => {
    const { promise, resolve } = Promise.withResolvers<string[]>()
    const recording = createRecording(async (written) => resolve(written.map(({ id }) => id)))
    recording.add(places('a', 'b'))
    expect(await promise).to.deep.equal(['a', 'b'])
  })

  it('lets appends wait when too much of it has gathered', async () => {
    const { recording, writes } = heldWrites()
    await recording.room()
    recording.add(places(...Array.from({ length: 2_001 }, String)))
    let hasRoom = false
    const room = recording.room().then(() => {
      hasRoom = true
    })
    await new Promise(setImmediate)
    expect(hasRoom).to.equal(false)
    writes[0]?.end()
    await room
  })
})
