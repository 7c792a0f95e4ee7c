import { expect } from 'chai'
import { failureOf } from '../testing/failure-of.ts'
import { createRates, PLANS } from './rates.ts'

describe('The calls that Amazon allows', () => {
  const signal = new AbortController().signal
  const stopped = () => {
    let now = 1_000_000
    const rates = createRates({ clock: () => now, patience: 0 })
    const pass = (milliseconds: number) => {
      now += milliseconds
    }
    return { ...rates, pass }
  }

  it('are a burst, and then one at a time as they come back', async () => {
    const { take, pass } = stopped()
    for (let call = 0; call < PLANS.searchOrders.burst; call += 1) await take('searchOrders', 'one', signal)
    const failure = await failureOf(take('searchOrders', 'one', signal))
    expect(failure).to.include({ code: 'CHANNEL_BUDGET_SPENT', retriable: true, retryAfter: 178_572 })
    pass(178_600)
    await take('searchOrders', 'one', signal)
    expect(await failureOf(take('searchOrders', 'one', signal))).to.include({ code: 'CHANNEL_BUDGET_SPENT' })
    pass(10 * 86_400_000)
    for (let call = 0; call < PLANS.searchOrders.burst; call += 1) await take('searchOrders', 'one', signal)
    expect(await failureOf(take('searchOrders', 'one', signal))).to.include({ code: 'CHANNEL_BUDGET_SPENT' })
  })

  it('are counted for each seller and operation apart', async () => {
    const { take, exhausted } = stopped()
    expect(exhausted('getOrder', 'one', undefined)).to.include({ code: 'CHANNEL_BUDGET_SPENT', retryAfter: 2_000 })
    expect(exhausted('getOrder', 'one', 7_000)).to.include({ retryAfter: 7_000 })
    expect(await failureOf(take('getOrder', 'one', signal))).to.include({ code: 'CHANNEL_BUDGET_SPENT' })
    await take('getOrder', 'two', signal)
    await take('searchOrders', 'one', signal)
  })

  it('are waited for when that is short, in turn, and not after the caller has given up', async () => {
    const plan = { rate: 50, burst: 1 }
    const rates = createRates({
      clock: Date.now,
      plans: { searchOrders: plan, getOrder: plan, confirmShipment: plan },
      patience: 1_000,
    })
    const order: number[] = []
    await Promise.all(
      [1, 2, 3, 4].map(async (call) => {
        await rates.take('getOrder', 'one', signal)
        order.push(call)
      }),
    )
    expect(order).to.deep.equal([1, 2, 3, 4])
    const gone = new AbortController()
    const waiting = rates.take('getOrder', 'one', gone.signal)
    gone.abort(new Error('gone'))
    expect(await failureOf(waiting)).to.include({ message: 'gone' })
  })
})
