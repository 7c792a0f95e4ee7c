import type { Database } from '@tributary/database'
import { type EventLog, openEventLog } from '@tributary/event-log'
import { anEvent } from '@tributary/event-log/testing'
import { ORDER_TOPIC } from '@tributary/events'
import { createRandom } from '@tributary/test/random'
import { migratedTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import { positionAt } from './find-time.ts'

const SEED = Number(process.env['TRIBUTARY_TEST_SEED'] ?? Date.now() % 1_000_000)
const EVENTS = 300
const START = Date.parse('2026-11-01T00:00:00Z')

describe(`Where a time stands in a partition (seed ${SEED})`, () => {
  let database: Database
  let log: EventLog
  let drop: () => Promise<void>
  before(async () => {
    const made = await migratedTestDatabase('find_time')
    ;({ database, drop } = made)
    log = await openEventLog({ url: made.url, database, partitions: 1 })
    await log.append(
      ORDER_TOPIC,
      Array.from({ length: EVENTS }, () => anEvent()),
    )
  })
  after(async () => {
    await log.close()
    await drop()
  })

  it('is the first event of that time or later, also where clocks were apart and events have one time', async () => {
    const random = createRandom(SEED)
    for (const seconds of [0, 1, 20, 3_600]) {
      const times = Array.from({ length: EVENTS }, (_, at) => START + at * seconds * 1_000 + random.from(-60_000, 60_000))
      for (const [position, time] of times.entries())
        await database.query('UPDATE tributary_log_event SET recorded_time = ? WHERE position = ?', [time, position])
      for (let look = 0; look < 40; look += 1) {
        const time = START + random.from(-90, EVENTS * seconds + 90) * 1_000
        const first = times.findIndex((recorded) => recorded >= time)
        const found = await positionAt(log, ORDER_TOPIC, 0, EVENTS, time)
        expect(found, `${time - START} ms, an event each ${seconds} s`).to.equal(first === -1 ? EVENTS : first)
      }
    }
  })
})
