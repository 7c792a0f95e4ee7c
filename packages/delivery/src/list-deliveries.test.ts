import type { Database } from '@tributary/database'
import { migratedTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import { type Attempt, insertAttempts } from './attempt.ts'
import { insertDeadLetter } from './dead-letter.ts'
import { untriedLane } from './lane.ts'
import { mysqlLaneRows } from './lane-rows.ts'
import { type DeliveryFilter, type ListedDelivery, type ListPlace, listDeliveries } from './list-deliveries.ts'
import { placed } from './place.ts'
import { readStandings } from './standing.ts'

const [A, B] = ['group:a', 'group:b'] as const
const placeOf = (endpoint: string, partition = 0) => ({ endpoint, topic: 'orders', partition })
const KINDS = ['delivered', 'refused', 'failed'] as const

describe('The list of deliveries', () => {
  let database: Database
  let drop: () => Promise<void>
  before(async () => {
    ;({ database, drop } = await migratedTestDatabase('list_deliveries'))
    for (const endpoint of [A, B])
      for (const partition of [0, 1])
        await insertAttempts(
          database,
          placed(
            placeOf(endpoint, partition),
            Array.from({ length: 12 }, (_, index) => attempt(index)),
          ),
        )
  })
  after(() => drop())

  /** Three tries of each of four events; several at the same time, as those of a batch are. */
  function attempt(index: number): Attempt {
    const kind = KINDS[index % 3] ?? 'failed'
    const outcome = { kind, reason: kind, status: 200, answer: '', durationMs: index } as Attempt['outcome']
    const id = `01890000-0000-7000-8000-${String(index).padStart(12, '0')}`
    const position = Math.floor(index / 3)
    return { position, eventId: id, attempt: (index % 3) + 1, time: 1_000 + (index >> 2), outcome, keyId: '', bodyDigest: '' }
  }
  const list = (filter: Partial<DeliveryFilter> = {}) =>
    listDeliveries(database, { endpoints: [A, B], limit: 1_000, ...filter })
  const nameOf = ({ endpoint, partition, position, attempt: number }: ListedDelivery) =>
    `${endpoint}/${partition}/${position}/${number}`

  it('comes page by page, the newest first, with nothing left out or told twice, whatever the page holds', async () => {
    const all = await list()
    expect(all).to.have.length(48)
    expect(all.map(({ time }) => time)).to.deep.equal(all.map(({ time }) => time).toSorted((one, other) => other - one))
    for (const limit of [1, 5, 47, 48]) {
      const paged: ListedDelivery[] = []
      let after: ListPlace | undefined
      do {
        const page = await list({ limit, ...(after ? { after } : {}) })
        paged.push(...page)
        after = page.at(-1)
      } while (after)
      expect(paged.map(nameOf), `pages of ${limit}`).to.deep.equal(all.map(nameOf))
    }
  })

  it('is narrowed by endpoint, outcome, time and event', async () => {
    expect((await list({ endpoints: [B] })).every(({ endpoint }) => endpoint === B)).to.equal(true)
    expect((await list({ outcome: 'refused' })).map(({ attempt: number }) => number)).to.deep.equal(Array(16).fill(2))
    const times = (await list({ since: 1_001, until: 1_002 })).map(({ time }) => time)
    expect(times).to.deep.equal(Array(16).fill(1_001))
    const one = await list({ events: [{ topic: 'orders', partition: 1, position: 2 }] })
    expect(one.map(({ partition, position }) => `${partition}/${position}`)).to.deep.equal(Array(6).fill('1/2'))
    expect(await list({ events: [{ topic: 'others', partition: 1, position: 2 }] })).to.deep.equal([])
    expect(await list({ events: [] })).to.deep.equal([])
  })

  it('shows what is in trouble and what was given up, and a range knows where each delivery stands', async () => {
    const place = placeOf(A, 7)
    const lane = { ...untriedLane('k', 5, 2_000, 'status 400'), attempts: 3 }
    const second = { ...lane, key: 'other', head: 6, state: 'blocked' } as const
    await mysqlLaneRows.insertLanes(database, placed(place, [lane, second]))
    await mysqlLaneRows.insertWaiting(database, placed(place, [{ key: 'k', position: 8 }]))
    await insertDeadLetter(database, place, { position: 3, key: 'k', attempts: 10, reason: 'skipped: a test', time: 1_500 })
    await insertAttempts(
      database,
      placed(place, [
        { ...attempt(0), position: 4 },
        { ...attempt(0), position: 3 },
        { ...attempt(1), position: 5 },
      ]),
    )
    await database.query("INSERT INTO tributary_cursor VALUES (?, 'orders', 7, 9, 1, '', 0)", [A])
    const [retrying] = await list({ outcome: 'retrying' })
    expect(retrying).to.include({
      position: 5,
      key: 'k',
      reason: 'status 400',
      attempt: 3,
      nextTime: 2_000,
      waiting: 1,
      status: null,
    })
    expect(await list({ outcome: 'blocked' })).to.have.length(1)
    expect((await list({ outcome: 'given-up' }))[0]).to.include({
      position: 3,
      key: 'k',
      reason: 'skipped: a test',
      attempt: 10,
    })
    const standingOf = await readStandings(database, place, { from: 2, to: 11 })
    expect([2, 3, 4, 5, 6, 7, 8, 9, 10].map(standingOf)).to.deep.equal([
      ...['none', 'delivered', 'delivered', 'retrying', 'blocked', 'none', 'waiting', 'ahead', 'ahead'],
    ])
  })
})
