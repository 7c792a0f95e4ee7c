import { expect } from 'chai'
import { untriedLane } from './lane.ts'
import { isOfOrder, regrouped } from './regroup-lanes.ts'

describe('Lanes under another order', () => {
  it('are told by the form of their keys', () => {
    const keys = { key: ['1:seller:order', 'corp/member'], strict: ['*'], none: ['01890000-0000-7000-8000-000000000001'] }
    for (const order of ['key', 'strict', 'none'] as const)
      for (const [made, ofIt] of Object.entries(keys))
        for (const key of ofIt) expect(isOfOrder(order, key), `${key} under ${order}`).to.equal(order === made)
  })

  it('hold the same events in order, each head with its tries, and none that a person has skipped', () => {
    const lane = (key: string, head: number) => ({
      ...untriedLane(key, head, 500 + head, 'status 500'),
      attempts: 3,
      failures: 2,
    })
    const lanes = [
      lane('1:s:A', 4),
      { ...lane('1:s:B', 2), state: 'blocked' as const },
      { ...lane('1:s:C', 1), state: 'skipped' as const },
    ]
    const waiting = [
      { key: '1:s:A', position: 7 },
      { key: '1:s:C', position: 3 },
      { key: '1:s:B', position: 9 },
    ]
    const strict = regrouped({ lanes, waiting }, new Map([1, 2, 3, 4, 7, 9].map((position) => [position, '*'])), 1_000)
    expect(strict.lanes).to.deep.equal([{ ...lanes[1], key: '*', since: 501 }])
    expect(strict.waiting).to.deep.equal([3, 4, 7, 9].map((position) => ({ key: '*', position })))
    const back = new Map([...[2, 9].map((at): [number, string] => [at, '1:s:B']), [3, '1:s:C'], [4, '1:s:A']])
    const byKey = regrouped(strict, back, 2_000)
    expect(byKey.lanes).to.deep.equal([
      { ...lanes[1], since: 501 },
      { ...untriedLane('1:s:C', 3, 2_000, ''), since: 501 },
      { ...untriedLane('1:s:A', 4, 2_000, ''), since: 501 },
      // Its event cannot be read any more.
      { ...untriedLane('*', 7, 2_000, ''), since: 501 },
    ])
    expect(byKey.waiting).to.deep.equal([{ key: '1:s:B', position: 9 }])
  })
})
