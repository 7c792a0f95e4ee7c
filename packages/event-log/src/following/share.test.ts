import { expect } from 'chai'
import fc from 'fast-check'
import { type GroupView, shareOf } from './share.ts'

const view = (members: string[], owners: string[]): GroupView => ({
  members,
  leases: owners.map((owner, partition) => ({ partition, owner, available: true })),
})

describe('The share of a member', () => {
  it('is everything for a member alone', () => {
    expect(shareOf('a', view(['a'], ['', '', '']))).to.deep.equal({ take: [0, 1, 2], giveBack: [] })
  })

  it('includes what a dead member held', () => {
    expect(shareOf('a', view(['a', 'b'], ['a', 'dead', 'b', 'dead']))).to.deep.equal({ take: [1], giveBack: [] })
  })

  it('is half, given back from the end, when a second member comes', () => {
    expect(shareOf('a', view(['a', 'b'], ['a', 'a', 'a', 'a']))).to.deep.equal({ take: [], giveBack: [2, 3] })
    expect(shareOf('b', view(['a', 'b'], ['a', 'a', 'a', 'a']))).to.deep.equal({ take: [], giveBack: [] })
  })

  it('leaves the odd partition with the member that has it', () => {
    expect(shareOf('b', view(['a', 'b'], ['b', 'b', 'a']))).to.deep.equal({ take: [], giveBack: [] })
    expect(shareOf('a', view(['a', 'b'], ['b', 'b', 'a']))).to.deep.equal({ take: [], giveBack: [] })
  })

  it('leaves a partition alone that rests after a failure', () => {
    const leases = [{ partition: 0, owner: '', available: false }]
    expect(shareOf('a', { members: ['a'], leases })).to.deep.equal({ take: [], giveBack: [] })
  })

  it('comes out even from any start, each partition held once and moved at most once', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
    const start = fc.record({
      members: fc.subarray(names, { minLength: 1 }),
      owners: fc.array(fc.constantFrom('', 'dead', ...names), { minLength: 1, maxLength: 20 }),
      turns: fc.infiniteStream(fc.nat()),
    })
    fc.assert(
      fc.property(start, ({ members, owners, turns }) => {
        const now = [...owners]
        let moves = 0
        const step = (member: string) => {
          const { take, giveBack } = shareOf(member, view(members, now))
          for (const partition of take) now[partition] = member
          for (const partition of giveBack) now[partition] = ''
          moves += take.length
          return take.length + giveBack.length
        }
        for (let turn = 0; turn < 200; turn += 1) step(members[(turns.next().value ?? 0) % members.length] ?? '')
        while (members.reduce((sum, member) => sum + step(member), 0) > 0);
        const counts = members.map((member) => now.filter((owner) => owner === member).length)
        expect(Math.max(...counts) - Math.min(...counts)).to.be.at.most(1)
        expect(counts.reduce((sum, count) => sum + count, 0)).to.equal(owners.length)
        expect(moves).to.be.at.most(owners.length)
      }),
    )
  })
})
