import { setImmediate as turn } from 'node:timers/promises'
import type { RecordedEvent } from '@tributary/event-log'
import { expect } from 'chai'
import { createAhead } from './ahead.ts'
import { itemOf } from './item.ts'
import type { Part } from './loop.ts'

const never = new Promise<void>(() => {})

describe('What is prepared ahead', () => {
  let end = 0
  /** Events of these sizes. */
  const part = (...sizes: number[]): Part<string> => {
    const items = sizes.map((size) => itemOf({ event: { data: 'x'.repeat(size) } } as RecordedEvent))
    end += items.length
    return { items, to: end, left: 0, prepared: { run: items, values: [`to ${end}`] } }
  }
  const createSmall = (areJoined = true) => createAhead<string>({ events: 4, bytes: 100, areJoined })
  beforeEach(() => {
    end = 0
  })

  /** Whether another part may be prepared before any of those is applied. */
  const hasRoomAfter = async (...parts: Part<string>[]): Promise<boolean> => {
    const ahead = createSmall()
    for (const one of parts) ahead.add(one, never)
    let hasRoom = false
    void ahead.room().then(() => {
      hasRoom = true
    })
    await turn()
    return hasRoom
  }

  it('is as much as a full batch, in events and in bytes, or one part of any size', async () => {
    expect(await hasRoomAfter(part(1, 1), part(1, 1))).to.equal(true)
    expect(await hasRoomAfter(part(1, 1), part(1, 1), part(1))).to.equal(false)
    expect(await hasRoomAfter(part(60), part(40))).to.equal(true)
    expect(await hasRoomAfter(part(60), part(41))).to.equal(false)
    expect(await hasRoomAfter(part(1_000))).to.equal(true)
    expect(await hasRoomAfter(part(1, 1, 1, 1, 1))).to.equal(true)
  })

  it('is one part where a full batch has no events, however small', async () => {
    const ahead = createAhead<string>({ events: 0, bytes: 100, areJoined: true })
    ahead.add(part(1), never)
    await ahead.room()
    ahead.add(part(1), never)
    let hasRoom = false
    void ahead.room().then(() => {
      hasRoom = true
    })
    await turn()
    expect(hasRoom).to.equal(false)
  })

  it('is less once the first was applied', async () => {
    const ahead = createSmall()
    const first = Promise.withResolvers<void>()
    ahead.add(part(1, 1, 1, 1), first.promise)
    ahead.add(part(1, 1), never)
    const room = ahead.room()
    first.resolve()
    await room
    ahead.add(part(1, 1), never)
    await ahead.room()
  })

  it('is applied together, up to what is not prepared', () => {
    const ahead = createSmall()
    const [first, second, third, fourth] = [part(1), part(1, 1), { ...part(1), prepared: undefined }, part(1)]
    for (const one of [first, second, third, fourth]) ahead.add(one, never)
    expect(ahead.take(first)).to.deep.equal({
      items: [...first.items, ...second.items],
      to: second.to,
      left: 0,
      prepared: { run: [...first.items, ...second.items], values: ['to 1', 'to 3'] },
    })
    expect(ahead.take(second)).to.equal(undefined)
    expect(ahead.take(third)).to.equal(third)
    expect(ahead.take(fourth)).to.equal(fourth)
  })

  it('is applied one by one, where nothing is applied together', () => {
    const ahead = createSmall(false)
    const parts = [part(1), part(1)]
    for (const one of parts) ahead.add(one, never)
    for (const one of parts) expect(ahead.take(one)).to.equal(one)
  })
})
