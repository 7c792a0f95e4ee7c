import { expect } from 'chai'
import { createCatchUp } from './catch-up.ts'

const forever = new AbortController().signal
const isThere = (turn: Promise<unknown>) =>
  Promise.race([turn.then(() => true), new Promise((resolve) => setImmediate(resolve, false))])

describe('Catching up', () => {
  let time = 0
  const now = () => time
  beforeEach(() => {
    // What earlier tests noted is long ago.
    time += 1_000_000
  })

  it('sends from all partitions while no other endpoint is at the head', async () => {
    const behind = createCatchUp('behind', now)
    behind.noteAtHead()
    expect(await isThere(behind.turn(forever))).to.equal(true)
    expect(await isThere(behind.turn(forever))).to.equal(true)
  })

  it('sends from one partition at a time while another is, and from all again soon after', async () => {
    const [behind, other] = [createCatchUp('behind', now), createCatchUp('other', now)]
    other.noteAtHead()
    const leave = await behind.turn(forever)
    const second = behind.turn(forever)
    expect(await isThere(second)).to.equal(false)
    leave()
    const leaveSecond = await second
    const third = behind.turn(forever)
    expect(await isThere(third)).to.equal(false)
    leaveSecond()
    await third
    time += 10_000
    expect(await isThere(behind.turn(forever))).to.equal(true)
  })

  it('gives a place up when its signal aborts', async () => {
    const [behind, other] = [createCatchUp('behind', now), createCatchUp('other', now)]
    other.noteAtHead()
    const leave = await behind.turn(forever)
    const ending = new AbortController()
    const second = behind.turn(ending.signal).catch((error: unknown) => error)
    const third = behind.turn(forever)
    ending.abort('ended')
    expect(await second).to.equal('ended')
    leave()
    expect(await isThere(third)).to.equal(true)
  })
})
