import { createRandom, type Random } from '@tributary/test/random'
import { expect } from 'chai'
import { noteRoutingCommitted, type Routed, type Routing, type RoutingChange, routingChanges } from './routing.ts'

const SEED = Number(process.env['TRIBUTARY_TEST_SEED'] ?? Date.now() % 1_000_000)

describe(`The record of whom events were for (seed ${SEED})`, () => {
  it('says of every event what its batch said, though batches fail, come again, and have events parked', () => {
    const random = createRandom(SEED)
    for (let history = 0; history < 500; history += 1) {
      const events = Array.from({ length: 40 }, (_, position): Routed => {
        const route = (['deliver', 'deliver', 'pass', 'pass', 'later'] as const)[random.from(0, 4)] ?? 'later'
        return { position, routedBy: random.from(0, 9) === 0 ? undefined : `seller ${random.from(0, 2)}`, route }
      })
      const parked = new Set<number>()
      const written = play(events, parked, random)
      for (const { position, routedBy, route } of events)
        if (routedBy !== undefined && route !== 'later' && !parked.has(position))
          expect(wantedAt(written, position).has(routedBy), `${history}: ${position}`).to.equal(route === 'deliver')
    }
  })

  it('keeps what comes again below its floor as it was', () => {
    const routing: Routing = { floor: 5, wanted: new Set(['a']) }
    expect(routingChanges(routing, [{ position: 3, routedBy: 'a', route: 'pass' }])).to.deep.equal([])
    expect(routingChanges(routing, [{ position: 5, routedBy: 'a', route: 'pass' }])).to.deep.equal([
      { position: 5, routedBy: 'a', kind: 'ends' },
    ])
  })
})

/**
 * Cuts events into batches, the next prepared before one is committed, some tried in vain, some written in halves, some events
 * parked and so never written; answers what was written, and adds what was parked to `parked`.
 */
function play(events: readonly Routed[], parked: Set<number>, random: Random): RoutingChange[] {
  const written: RoutingChange[] = []
  let routing: Routing = { floor: 0, wanted: new Set() }
  let ahead: { batch: readonly Routed[]; to: number } | undefined
  const write = (batch: readonly Routed[], to: number) => {
    // Of a transaction that is rolled back nothing is left.
    if (random.from(0, 3) === 0) routingChanges(routing, batch)
    const changes = routingChanges(routing, batch)
    written.push(...changes)
    noteRoutingCommitted(routing, to, changes)
  }
  const commit = () => {
    if (!ahead) return
    const { batch, to } = ahead
    ahead = undefined
    const middle = batch[random.from(0, 2 * batch.length)]
    if (!middle) return write(batch, to)
    routingChanges(routing, batch)
    const isParked = random.from(0, 1) === 0
    if (isParked) parked.add(middle.position)
    write(
      batch.filter(({ position }) => position < middle.position),
      middle.position,
    )
    if (isParked) noteRoutingCommitted(routing, middle.position + 1, [])
    write(
      batch.filter(({ position }) => position >= middle.position + (isParked ? 1 : 0)),
      to,
    )
  }
  for (let next = 0; next < events.length; ) {
    const to = Math.min(events.length, next + random.from(1, 6))
    const batch = events.slice(next, to)
    commit()
    ahead = { batch, to }
    next = to
    if (random.from(0, 5) > 0) continue
    // A process that takes over finds the rows, and what was not committed comes again.
    next = routing.floor
    routing = { floor: next, wanted: wantedAt(written, next) }
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
