import { ChannelError } from '@tributary/channels'
import { openDatabase } from '@tributary/database'
import { migratedTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import { checkOrderCalls, createCallBudget, pauseWhenLimited } from './call-budget.ts'

const HOUR = 3_600_000

describe('the budget of calls', () => {
  let database: Awaited<ReturnType<typeof migratedTestDatabase>>
  let other: ReturnType<typeof openDatabase>
  let now: number
  const channel = 1
  before(async () => {
    database = await migratedTestDatabase('call_budget')
    other = openDatabase(database.url)
  })
  beforeEach(async () => {
    await database.database.query('DELETE FROM tributary_call_budget')
    now = Date.parse('2026-11-23T12:00:00-08:00')
  })
  after(async () => {
    await other.close()
    await database.drop()
  })

  const clock = () => now
  const budgets = () => [database.database, other].map((one) => createCallBudget({ database: one, channel, clock }))
  const rows = () =>
    database.database.query<{ operation: string; day: string; used: number }[]>(
      "SELECT operation, DATE_FORMAT(day, '%Y-%m-%d') AS day, used FROM tributary_call_budget WHERE channel = ? ORDER BY day, operation",
      [channel],
    )
  const use = (used: number) =>
    database.database.query('UPDATE tributary_call_budget SET used = ? WHERE channel = ?', [used, channel])
  const refusalOf = async (work: Promise<unknown>): Promise<ChannelError> => {
    const error = await work.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    if (error instanceof ChannelError) return error
    throw new Error('nothing was refused')
  }
  const limited = new ChannelError('CHANNEL_RATE_LIMITED', 'too many', { remedy: 'retry' })

  it('sets calls aside by the fifty, so that few calls write', async () => {
    const [budget] = budgets()
    for (let call = 0; call < 50; call++) await budget?.take('order')
    expect(await rows()).to.deep.equal([{ operation: 'order', day: '2026-11-23', used: 50 }])
    await Promise.all(Array.from({ length: 120 }, () => budget?.take('order')))
    expect((await rows())[0]?.used).to.equal(200)
  })

  it('never gives more than the limit of the day, over all processes', async () => {
    const both = budgets()
    await both[0]?.take('notification')
    await use(9_930)
    let given = 0
    const outcomes = await Promise.allSettled(
      Array.from({ length: 400 }, async (_, index) => {
        await both[index % 2]?.take('notification')
        given += 1
      }),
    )
    // Of the first fifty 49 were set aside before, and 70 were left.
    expect(given).to.equal(119)
    expect((await rows())[0]?.used).to.equal(10_000)
    for (const outcome of outcomes)
      if (outcome.status === 'rejected')
        expect(outcome.reason).to.include({ code: 'CHANNEL_BUDGET_SPENT', retryAfter: 12 * HOUR })
  })

  it('lends a process fifty calls a day that nobody counts while the database is away', async () => {
    const away = openDatabase('mysql://nobody:none@127.0.0.1:1/none')
    const budget = createCallBudget({ database: away, channel, clock })
    try {
      for (const day of ['the first', 'the next']) {
        for (let call = 0; call < 50; call++) {
          await budget.take('notification')
          now += 2_000
        }
        const error = await budget.take('notification').catch((reason: unknown) => reason)
        expect(error, day).to.include({ code: 'DATABASE_UNAVAILABLE' })
        now += 24 * HOUR
      }
    } finally {
      await away.close()
    }
  })

  it('counts no days for a channel that has limits of another kind', async () => {
    const budget = createCallBudget({ database: database.database, channel: 2, clock })
    await budget.take('order')
    await database.database.query('UPDATE tributary_call_budget SET used = 1000000 WHERE channel = 2')
    for (let call = 0; call < 60; call++) await budget.take('order')
  })

  it('counts each operation by itself, and begins anew at midnight in Los Angeles', async () => {
    const [budget] = budgets()
    await budget?.take('order')
    await use(100_000)
    now += 2_000
    for (let call = 0; call < 49; call++) await budget?.take('order')
    expect((await refusalOf(budget?.take('order') ?? Promise.resolve())).retryAfter).to.equal(12 * HOUR - 2_000)
    await budget?.take('token')
    now += 12 * HOUR - 2_001
    expect((await refusalOf(budget?.take('order') ?? Promise.resolve())).retryAfter).to.be.at.most(1_000)
    now += 1
    await budget?.take('order')
    expect((await rows()).map(({ day, operation }) => `${day} ${operation}`)).to.deep.equal([
      '2026-11-23 order',
      '2026-11-23 token',
      '2026-11-24 order',
    ])
  })

  it('stops every process within a second when the marketplace says that we call too often', async () => {
    const both = budgets()
    for (const budget of both) await budget.take('order')
    await pauseWhenLimited(database.database, limited, { channel, operation: 'order', now, until: now + 30_000 })
    now += 1_000
    for (const budget of both) expect((await refusalOf(budget.take('order'))).retryAfter).to.equal(29_000)
    await both[0]?.take('token')
    now += 29_000
    for (const budget of both) await budget.take('order')
  })

  it('leaves a fifth of the order calls to notifications', async () => {
    const [budget] = budgets()
    await budget?.take('order')
    await use(80_000)
    await checkOrderCalls(database.database, { channel, now, polling: true })
    await use(80_001)
    expect((await refusalOf(checkOrderCalls(database.database, { channel, now, polling: true }))).retryAfter).to.equal(
      12 * HOUR,
    )
    await checkOrderCalls(database.database, { channel, now, polling: false })
  })
})
