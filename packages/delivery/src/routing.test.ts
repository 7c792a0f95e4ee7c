import { randomNumbers } from '@tributary/consumer/testing'
import { expect } from 'chai'
import { noteRouting, noteRoutingCommitted, type Routed, type Routing, type RoutingChange } from './routing.ts'

const SEED = Number(process.env['TRIBUTARY_TEST_SEED'] ?? Date.now() % 1_000_000)

describe(`The record of whom events were for (seed ${SEED})`, () => {
  it('says of every event what its batch said, though batches come ahead of commits, fail, and come again', () => {
    const random = randomNumbers(SEED)
    for (let history = 0; history < 500; history += 1) {
      const events = Array.from({ length: 40 }, (_, position): Routed => {
        const route = (['deliver', 'deliver', 'pass', 'pass', 'later'] as const)[random.from(0, 4)] ?? 'later'
        return { position, routedBy: random.from(0, 9) === 0 ? undefined : `seller ${random.from(0, 2)}`, route }
      })
      const written = play(events, random)
      for (const { position, routedBy, route } of events)
        if (routedBy !== undefined && route !== 'later')
          expect(wantedAt(written, position).has(routedBy), `${history}: ${position}`).to.equal(route === 'deliver')
    }
  })

  it('keeps what comes again below its floor as it was', () => {
    const routing: Routing = { floor: 5, wanted: new Set(['a']), pending: [] }
    expect(noteRouting(routing, [{ position: 3, routedBy: 'a', route: 'pass' }])).to.deep.equal([])
    expect(noteRouting(routing, [{ position: 5, routedBy: 'a', route: 'pass' }])).to.deep.equal([
      { position: 5, routedBy: 'a', kind: 'ends' },
    ])
  })
})

/** Cuts events into batches, the next prepared before one is committed, some twice, some in vain; answers what was written. */
function play(events: readonly Routed[], random: ReturnType<typeof randomNumbers>): RoutingChange[] {
  const written: RoutingChange[] = []
  let routing: Routing = { floor: 0, wanted: new Set(), pending: [] }
  let ahead: { changes: RoutingChange[]; to: number } | undefined
  const commit = () => {
    if (!ahead) return
    written.push(...ahead.changes)
    noteRoutingCommitted(routing, ahead.to)
    ahead = undefined
  }
  for (let next = 0; next < events.length; ) {
    const to = Math.min(events.length, next + random.from(1, 6))
    const prepare = () => ({ changes: noteRouting(routing, events.slice(next, to)), to })
    const first = prepare()
    commit()
    ahead = random.from(0, 3) === 0 ? prepare() : first
    next = to
    if (random.from(0, 5) > 0) continue
    // A process that takes over finds the rows, and what was not committed comes again.
    next = routing.floor
    routing = { floor: next, wanted: wantedAt(written, next), pending: [] }
    ahead = undefined
  }
  commit()
  return written
}

/** Whatever is for the endpoint at a position, by the changes up to there. */
function wantedAt(changes: readonly RoutingChange[], position: number): Set<string> {
  const wanted = new Set<string>()
  for (const change of changes) {
    if (change.position > position) break
    if (change.kind === 'begins') wanted.add(change.routedBy)
    else wanted.delete(change.routedBy)
  }
  return wanted
}
