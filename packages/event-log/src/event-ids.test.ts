import { openDatabase } from '@tributary/database'
import { derivedEventId, encodeEvent } from '@tributary/events'
import { exampleEvent } from '@tributary/events/examples'
import { migratedTestDatabase, startRelay } from '@tributary/test/servers'
import { expect } from 'chai'
import { createClaims, type Search } from './event-ids.ts'

describe('The claims of event ids', () => {
  let stage: Awaited<ReturnType<typeof migratedTestDatabase>>
  before(async () => {
    stage = await migratedTestDatabase('event_ids')
  })
  after(() => stage.drop())

  const TOPIC = { id: 1, partitions: 1 }
  const claimsOf = (search: Search) => createClaims(stage.database, TOPIC, search)
  const events = (name: string) => [{ event: encodeEvent(exampleEvent('OrderReceived', derivedEventId(name))), bytes: 1 }]
  const never: Search = async () => {
    throw new Error('Nobody was to look into the log.')
  }

  it('know where an event stands that was recorded while its sender went on', async () => {
    const claims = claimsOf(never)
    const { mine } = await claims.claim(events('recorded'))
    claims.recordSoon(mine.map(({ event }) => ({ id: event.id, partition: 0, position: 7 })))
    const { mine: again, known } = await claimsOf(never).claim(events('recorded'))
    expect(again).to.deep.equal([])
    expect([...known.values()]).to.deep.equal([{ partition: 0, position: 7, appended: false }])
    await claims.recorded()
  })

  it('are doubtful when that could not be recorded, so that the log itself is asked', async () => {
    const claims = claimsOf(never)
    const { mine } = await claims.claim(events('doubtful'))
    const ids = mine.map(({ event }) => event.id)
    claims.recordSoon(ids.map((id) => ({ id, partition: 0, position: Number.NaN })))
    await claims.recorded()
    const { mine: again, known } = await claimsOf(async (_partition, sought) => {
      expect(sought).to.deep.equal(ids)
      return new Map(ids.map((id) => [id, 9]))
    }).claim(events('doubtful'))
    expect(again).to.deep.equal([])
    expect([...known.values()]).to.deep.equal([{ partition: 0, position: 9, appended: false }])
  })

  it('keep nobody waiting when their own process did not hear of them, or could not end them', async () => {
    const relay = await startRelay(stage.url)
    const database = openDatabase(relay.url)
    const claims = createClaims(database, TOPIC, async () => new Map())
    for (const [name, statement] of [
      ['unheard', 'INSERT IGNORE INTO tributary_log_event_id'],
      ['unended', 'UPDATE tributary_log_event_id SET doubtful'],
    ] as const) {
      const lost = relay.loseAnswerTo(statement)
      const claim = claims.claim(events(name))
      if (name === 'unended') await claims.doubt((await claim).mine).catch(() => {})
      else await claim.catch(() => {})
      await lost
      expect((await claims.claim(events(name))).mine, name).to.have.length(1)
    }
    await database.close()
    await relay.close()
  })

  it('stay with a sender whose clock is a minute behind, as clocks may be', async () => {
    await claimsOf(never).claim(events('behind'))
    await stage.database.query('UPDATE tributary_log_event_id SET claimed_time = ? WHERE position IS NULL', [
      Date.now() - 62_000,
    ])
    const refused = await claimsOf(never)
      .claim(events('behind'))
      .catch((error: { code?: string }) => error.code)
    expect(refused).to.equal('LOG_UNAVAILABLE')
  })
})
