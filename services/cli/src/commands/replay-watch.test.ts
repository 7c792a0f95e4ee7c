import type { Database } from '@tributary/database'
import { setEndpointState } from '@tributary/delivery'
import { migratedTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import { watchReplay } from './replay-watch.ts'

const ENDPOINT = 'egOrderSpiConsumerGroup:warehouse'
const REFUSED = {
  ...{ endpoint: ENDPOINT, topic: 'tributary.orders', partition_no: 0, position: 3, attempt: 1, event_id: 'event' },
  ...{ outcome: 'refused', reason: 'status 500', status: 500, duration_ms: 4, answer: '', key_id: '', body_digest: '' },
}

describe('A replay that is watched', () => {
  let database: Database
  let drop: () => Promise<void>
  before(async () => {
    ;({ database, drop } = await migratedTestDatabase())
    await database.query(
      `INSERT INTO tributary_replay (endpoint, topic, partition_no, from_position, to_position, live_position, event_key, started_time, started_by)
       VALUES (?, 'tributary.orders', 0, 3, 9, 9, NULL, 1, 'somebody')`,
      [ENDPOINT],
    )
    await database.query(
      `INSERT INTO tributary_cursor (consumer, topic, partition_no, next_position, epoch, owner, updated_time) VALUES (?, 'tributary.orders', 0, 3, 1, 'owner', 1)`,
      [ENDPOINT],
    )
  })
  after(() => drop())

  /** Watches until a line says `words`, then has the replay end by itself. */
  async function watchUntil(words: string): Promise<void> {
    await database.query('UPDATE tributary_cursor SET next_position = 3 WHERE consumer = ?', [ENDPOINT])
    const said: string[] = []
    const told = Promise.withResolvers<void>()
    const write = (text: string) => {
      said.push(text)
      if (text.includes(words)) told.resolve()
    }
    const watching = watchReplay({ database, signal: new AbortController().signal }, ENDPOINT, { write })
    await told.promise
    await database.query('UPDATE tributary_cursor SET next_position = 9 WHERE consumer = ?', [ENDPOINT])
    await watching
    const times = said.filter((text) => text.includes(words)).length
    expect(times, said.join('')).to.equal(1)
  }

  it('says once why it stands still, and ends when the replay does', async () => {
    await watchUntil('No dispatcher moves it.')
    const refused = { ...REFUSED, time: Date.now() }
    await database.query('INSERT INTO tributary_delivery_attempt (??) VALUES (?)', [
      Object.keys(refused),
      Object.values(refused),
    ])
    await watchUntil('The latest try of egOrderSpiConsumerGroup:warehouse was refused (status 500)')
    await setEndpointState(database, { name: ENDPOINT, state: 'paused', reason: 'Stocktaking.' })
    await watchUntil('egOrderSpiConsumerGroup:warehouse is paused (Stocktaking.)')
  })
})
