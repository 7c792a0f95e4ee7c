import { setImmediate as turn } from 'node:timers/promises'
import type { RecordedEvent } from '@tributary/event-log'
import { expect } from 'chai'
import { createAhead } from './ahead.ts'
import { itemOf } from './item.ts'

describe('What is prepared ahead', () => {
  const items = (...sizes: number[]) => sizes.map((size) => itemOf({ event: { data: 'x'.repeat(size) } } as RecordedEvent))

  /** Whether another batch may be prepared before any of those is applied. */
  const hasRoomAfter = async (...batches: ReturnType<typeof items>[]): Promise<boolean> => {
    const ahead = createAhead({ events: 4, bytes: 100 })
    for (const batch of batches) ahead.add(batch, new Promise(() => {}))
    let hasRoom = false
    void ahead.room().then(() => {
      hasRoom = true
    })
    await turn()
    return hasRoom
  }

  it('is as much as a full batch, in events and in bytes, or one batch of any size', async () => {
    expect(await hasRoomAfter(items(1, 1), items(1, 1))).to.equal(true)
    expect(await hasRoomAfter(items(1, 1), items(1, 1), items(1))).to.equal(false)
    expect(await hasRoomAfter(items(60), items(40))).to.equal(true)
    expect(await hasRoomAfter(items(60), items(41))).to.equal(false)
    expect(await hasRoomAfter(items(1_000))).to.equal(true)
    expect(await hasRoomAfter(items(1, 1, 1, 1, 1))).to.equal(true)
  })

  it('is less once the first was applied', async () => {
    const ahead = createAhead({ events: 4, bytes: 100 })
    const first = Promise.withResolvers<void>()
    ahead.add(items(1, 1, 1, 1), first.promise)
    ahead.add(items(1, 1), new Promise(() => {}))
    const room = ahead.room()
    first.resolve()
    await room
    ahead.add(items(1, 1), new Promise(() => {}))
    await ahead.room()
  })
})
