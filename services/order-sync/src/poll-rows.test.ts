import { type Database, pollAtOnce } from '@tributary/database'
import { migratedTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import {
  advancePoll,
  claimPoll,
  ensurePolls,
  finishPoll,
  noteRevocation,
  type Poll,
  PollLost,
  putBackPoll,
  settleRevocation,
  tidyPolls,
} from './poll-rows.ts'

const seller = { channel: 1, sellerId: 's1' }

describe('the turns of sellers to be polled', () => {
  let database: Database
  let drop: () => Promise<void>
  before(async () => {
    const made = await migratedTestDatabase('polls')
    database = made.database
    drop = made.drop
  })
  beforeEach(async () => {
    await database.query('DELETE FROM tributary_poll')
    await ensurePolls(database, [seller])
  })
  after(() => drop())

  const claim = (owner: string, now = 1_000) => claimPoll(database, { owner, channels: [1], now, until: now + 500 })
  const claimed = async (owner: string, now = 1_000): Promise<Poll> => {
    const poll = await claim(owner, now)
    if (!poll) throw new Error('nothing to claim')
    return poll
  }
  const row = async () => {
    const [found] = await database.query<{ cursor_time: number; due_time: number; failures: number; swept_time: number }[]>(
      'SELECT cursor_time, due_time, failures, swept_time FROM tributary_poll',
    )
    return found
  }
  const isLost = async (work: Promise<unknown>) => {
    const error = await work.catch((reason: unknown) => reason)
    expect(error).to.be.instanceOf(PollLost)
  }

  it('are one process’s at a time, until its claim ends', async () => {
    const polls = await Promise.all(['a', 'b', 'c', 'd'].map((owner) => claim(owner)))
    expect(polls.filter((poll) => poll !== undefined)).to.have.length(1)
    expect(await claim('b', 1_499)).to.equal(undefined)
    expect(await claim('b', 1_500)).not.to.equal(undefined)
  })

  it('leave the cursor to the newest owner alone', async () => {
    const old = await claimed('a')
    const young = await claimed('b', 1_500)
    await isLost(advancePoll(database, old, 900, 2_000))
    await isLost(finishPoll(database, old, { now: 1_600, next: 9_000, sweep: { since: 0, spread: 1 } }))
    await isLost(putBackPoll(database, old, { next: 0, failures: 1, error: '' }))
    expect(await row()).to.include({ cursor_time: 0, due_time: 2_000, failures: 0 })
    await advancePoll(database, young, 800, 2_500)
    expect(await row()).to.include({ cursor_time: 800, due_time: 2_500 })
  })

  it('stay as they were put back, when what was sent before is done only then', async () => {
    const poll = await claimed('a')
    await putBackPoll(database, poll, { next: 1_100, failures: 1, error: 'X' })
    await isLost(advancePoll(database, poll, 900, 2_000))
    await isLost(putBackPoll(database, poll, { next: 9_000, failures: 2, error: 'X' }))
    expect(await row()).to.include({ cursor_time: 0, due_time: 1_100, failures: 1 })
  })

  it('never move the cursor back', async () => {
    const poll = await advancePoll(database, await claimed('a'), 800, 2_000)
    await advancePoll(database, poll, 700, 2_100)
    expect(await row()).to.include({ cursor_time: 800, due_time: 2_100 })
  })

  it('come at once after a consent; a poll in hand goes on, but is not put off if it fails', async () => {
    const poll = await claimed('a')
    await pollAtOnce(database, [seller])
    expect(await claim('b')).to.equal(undefined)
    await putBackPoll(database, poll, { next: 99_000, failures: 3, error: 'X' })
    expect((await row())?.due_time).to.equal(0)
    await finishPoll(database, await claimed('b'), { now: 1_100, next: 99_000 })
    expect(await row()).to.include({ due_time: 99_000, failures: 0, swept_time: 1_100 })
    await pollAtOnce(database, [seller])
    expect((await row())?.due_time).to.equal(0)
  })

  it('come again at once for a notice of revocation that came during a poll, but not for one looked into', async () => {
    await noteRevocation(database, seller, 10)
    const poll = await claimed('a')
    expect(poll.revocationTime).to.equal(10)
    await settleRevocation(database, poll)
    await noteRevocation(database, seller, 20)
    await settleRevocation(database, poll)
    await finishPoll(database, poll, { now: 1_100, next: 99_000 })
    const again = await claimed('a')
    expect(again.revocationTime).to.equal(20)
    await settleRevocation(database, again)
    await finishPoll(database, again, { now: 1_100, next: 99_000 })
    expect((await row())?.due_time).to.equal(99_000)
  })

  it('are free at once when their owner is gone', async () => {
    await claimed('dead')
    await tidyPolls(database, (owner) => owner === 'living')
    expect(await claim('b')).to.equal(undefined)
    await tidyPolls(database, (owner) => owner === 'dead')
    expect(await claim('b')).not.to.equal(undefined)
  })
})
