import { type Database, openDatabase } from '@tributary/database'
import { migratedTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import { type Attempt, insertAttempts } from './attempt.ts'
import { keepAttemptPartitions } from './attempt-partitions.ts'
import { placed } from './place.ts'

const DAY = 86_400_000
/** Noon of a day some time ahead of the first partition, which holds what the migration found. */
const NOON = (Math.floor(Date.now() / DAY) + 100) * DAY + DAY / 2
const dayOf = (time: number) => `day_${new Date(time).toISOString().slice(0, 10).replaceAll('-', '')}`

describe('The partitions of attempts', () => {
  let url: string
  let database: Database
  let drop: () => Promise<void>
  let position: number
  beforeEach(async () => {
    ;({ url, database, drop } = await migratedTestDatabase('attempt_partitions'))
    position = 0
  })
  afterEach(() => drop())

  const tryAt = (...times: number[]) =>
    insertAttempts(
      database,
      placed(
        { endpoint: 'group:warehouse', topic: 'orders', partition: 0 },
        times.map((time): Attempt => {
          position += 1
          const outcome = { kind: 'delivered', reason: '', status: 200, answer: 'ok', durationMs: 1 } as const
          const of = { position, attempt: 1, time, outcome, keyId: '12345678', bodyDigest: '' }
          return { ...of, eventId: `01890000-0000-7000-8000-${String(position).padStart(12, '0')}` }
        }),
      ),
    )
  const timesIn = async (partition: string) => {
    const rows = await database.query<{ time: number }[]>(
      `SELECT time FROM tributary_delivery_attempt PARTITION (${partition}) ORDER BY time`,
    )
    return rows.map(({ time }) => time)
  }
  const partitions = async () => {
    const rows = await database.query<{ name: string }[]>(
      `SELECT partition_name AS name FROM information_schema.partitions
       WHERE table_schema = DATABASE() AND table_name = 'tributary_delivery_attempt' ORDER BY partition_ordinal_position`,
    )
    return rows.map(({ name }) => name)
  }

  it('are there before their days begin, and what is older than its time goes as a whole', async () => {
    const now = Date.now()
    await tryAt(now)
    await keepAttemptPartitions(database, { days: 2, now })
    const tomorrow = now + DAY
    await keepAttemptPartitions(database, { days: 2, now: tomorrow })
    await tryAt(tomorrow, now + 3 * DAY)
    expect(await timesIn('first_days')).to.deep.equal([now, tomorrow])
    expect(await timesIn(dayOf(now + 3 * DAY))).to.deep.equal([now + 3 * DAY])
    const { dropped } = await keepAttemptPartitions(database, { days: 2, now: now + 4 * DAY })
    expect(dropped).to.deep.equal(['first_days'])
    const left = await database.query('SELECT time FROM tributary_delivery_attempt')
    expect(left).to.deep.equal([{ time: now + 3 * DAY }])
  })

  it('take up what came while nobody had made its day, and pass over the days in which nobody ran', async () => {
    await tryAt(NOON - 20 * DAY, NOON, NOON + DAY, NOON + 30 * DAY)
    expect(await timesIn('later')).to.have.length(4)
    const { made } = await keepAttemptPartitions(database, { days: 30, now: NOON })
    expect(made).to.deep.equal([0, 1, 2, 3].map((day) => dayOf(NOON + day * DAY)))
    expect(await timesIn(dayOf(NOON))).to.deep.equal([NOON - 20 * DAY, NOON])
    expect(await timesIn(dayOf(NOON + DAY))).to.deep.equal([NOON + DAY])
    expect(await timesIn('later')).to.deep.equal([NOON + 30 * DAY])
  })

  it('are made once by several processes that begin together', async () => {
    const pools = [openDatabase(url), openDatabase(url)]
    try {
      const answers = await Promise.all(pools.map((pool) => keepAttemptPartitions(pool, { days: 30, now: NOON })))
      expect(answers.map(({ made }) => made.length).sort()).to.deep.equal([0, 4])
      expect(await partitions()).to.deep.equal([...[0, 1, 2, 3].map((day) => dayOf(NOON + day * DAY)), 'later'])
    } finally {
      await Promise.all(pools.map((pool) => pool.close()))
    }
  })

  it('are kept by a process whose clock is far ahead, and made for no days that are far', async () => {
    await keepAttemptPartitions(database, { days: 2 })
    await tryAt(Date.now())
    const before = await partitions()
    const timeOfDay = Date.now
    try {
      Date.now = () => timeOfDay() + 50 * DAY
      const { dropped } = await keepAttemptPartitions(database, { days: 2 })
      expect(dropped).to.deep.equal([])
    } finally {
      Date.now = timeOfDay
    }
    expect((await partitions()).length).to.be.within(before.length, before.length + 1)
    expect(await database.query('SELECT position FROM tributary_delivery_attempt')).to.have.length(1)
  })

  it('wait for no reader for long, because every delivery would wait behind', async () => {
    await tryAt(NOON)
    await database.transaction(async (reader) => {
      await reader.query('SELECT time FROM tributary_delivery_attempt')
      const code = await keepAttemptPartitions(database, { days: 30, now: NOON }).catch(
        (error: { code?: string }) => error.code,
      )
      expect(code).to.equal('DATABASE_LOCK_TIMEOUT')
    })
    await keepAttemptPartitions(database, { days: 30, now: NOON })
    expect(await timesIn(dayOf(NOON))).to.deep.equal([NOON])
  })
})
