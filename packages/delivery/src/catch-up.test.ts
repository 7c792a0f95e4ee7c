import { expect } from 'chai'
import { createCatchUp } from './catch-up.ts'

const forever = new AbortController().signal

describe('Catching up', () => {
  let time = 0
  const now = () => time
  let turns = 0
  const spare = {
    turn: async (_: AbortSignal, pieces = 1) => {
      turns += pieces
    },
  }
  let lastAtHead: Map<string, number>
  const catchUpOf = (endpoint: string) => createCatchUp(endpoint, { now, spare, lastAtHead })
  beforeEach(() => {
    lastAtHead = new Map()
    turns = 0
  })

  it('takes all the time while no other endpoint is at the head', async () => {
    const behind = catchUpOf('behind')
    behind.noteAtHead()
    await behind.turn(forever)
    expect(turns).to.equal(0)
  })

  it('takes spare time while another is, and all again soon after', async () => {
    const [behind, other] = [catchUpOf('behind'), catchUpOf('other')]
    other.noteAtHead()
    await behind.turn(forever)
    expect(turns).to.equal(1)
    time += 10_000
    await behind.turn(forever)
    expect(turns).to.equal(1)
  })

  it('takes spare time for what it only reads, too', async () => {
    const [behind, other] = [catchUpOf('behind'), catchUpOf('other')]
    await behind.batch(100, forever)
    expect(turns).to.equal(0)
    other.noteAtHead()
    await behind.batch(100, forever)
    expect(turns).to.equal(25)
    expect([behind.isBesideOthers(), other.isBesideOthers()]).to.deep.equal([true, false])
  })

  it('takes spare time for a lane, as much as for several requests', async () => {
    const [behind, other] = [catchUpOf('behind'), catchUpOf('other')]
    await behind.lane(forever)
    expect(turns).to.equal(0)
    other.noteAtHead()
    await behind.lane(forever)
    expect(turns).to.equal(4)
  })

  it('takes all the time once the other has left', async () => {
    const [behind, other] = [catchUpOf('behind'), catchUpOf('other')]
    other.noteAtHead()
    other.leave()
    await behind.turn(forever)
    expect(turns).to.equal(0)
  })
})
