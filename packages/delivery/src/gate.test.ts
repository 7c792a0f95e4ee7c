import { expect } from 'chai'
import { createGate, type Gate, type GateLimits, type Permit, type Queue } from './gate.ts'

const limits: GateLimits = { fresh: 2, widest: 2, lane: 1, slow: 1, failingAfter: 3, probeEvery: 20, most: 3 }
const never = new AbortController().signal

const settled = () => new Promise((resolve) => setImmediate(resolve))

/** Asks for a permit and tells, after everything that can happen now has happened, whether it was given. */
async function ask(gate: Gate, queue: Queue = 'fresh', signal: AbortSignal = never): Promise<{ permit: Permit | undefined }> {
  const asked: { permit: Permit | undefined } = { permit: undefined }
  gate.enter(queue, signal).then(
    (permit) => {
      asked.permit = permit
    },
    () => {},
  )
  await settled()
  return asked
}

const failed = (key: string, retryAfter?: number) => ({ key, delivered: false, reason: 'status 500', retryAfter })
const delivered = (key: string) => ({ key, delivered: true, reason: '' })

async function makeFail(gate: Gate): Promise<void> {
  for (const key of ['a', 'b', 'c']) (await gate.enter('fresh', never)).leave(failed(key))
}

describe('The gate of an endpoint', () => {
  it('lets as many fresh requests out as its cap, and the next when one comes back', async () => {
    const gate = createGate(limits)
    const [one, two, three] = [await ask(gate), await ask(gate), await ask(gate)]
    expect([one, two, three].map(({ permit }) => permit !== undefined)).to.deep.equal([true, true, false])
    one.permit?.leave(delivered('a'))
    await settled()
    expect(three.permit).to.not.equal(undefined)
  })

  it('gives lanes places of their own', async () => {
    const gate = createGate(limits)
    await ask(gate)
    await ask(gate)
    expect((await ask(gate, 'lane')).permit).to.not.equal(undefined)
    expect((await ask(gate, 'lane')).permit).to.equal(undefined)
  })

  it('frees the place of a slow request, but only of so many', async () => {
    const gate = createGate(limits)
    const [one, two, three] = [await ask(gate), await ask(gate), await ask(gate)]
    expect(one.permit?.moveAside()).to.equal(true)
    await settled()
    expect(three.permit).to.not.equal(undefined)
    expect(two.permit?.moveAside()).to.equal(false)
    one.permit?.leave(delivered('a'))
    expect(two.permit?.moveAside()).to.equal(true)
  })

  it('fails at once when a request failed as it would have for every key', async () => {
    const gate = createGate(limits)
    ;(await gate.enter('fresh', never)).leave({ ...failed('a'), isEndpoints: true })
    expect(gate.view().state).to.equal('failing')
  })

  it('probes an endpoint soon that could not be reached, and then less and less often', async () => {
    let now = 0
    const gate = createGate({ ...limits, probeEvery: 30_000 }, () => now)
    let permit = await gate.enter('fresh', never)
    const pauses: number[] = []
    for (let probe = 0; probe < 8; probe += 1) {
      permit.leave({ ...failed('a'), isEndpoints: true })
      const { probeTime = 0 } = gate.view()
      pauses.push(Math.round((probeTime - Date.now()) / 1_000) * 1_000)
      now += pauses.at(-1) ?? 0
      permit = await gate.enter('fresh', never)
      expect(permit.probe).to.equal(true)
    }
    expect(pauses).to.deep.equal([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
  })

  it('fails after so many different keys failed with no success between', async () => {
    const gate = createGate(limits)
    for (const key of ['a', 'a', 'a', 'b']) (await gate.enter('fresh', never)).leave(failed(key))
    expect(gate.view().state).to.equal('open')
    ;(await gate.enter('fresh', never)).leave(delivered('z'))
    for (const key of ['c', 'd']) (await gate.enter('fresh', never)).leave(failed(key))
    expect(gate.view().state).to.equal('open')
    ;(await gate.enter('lane', never)).leave(failed('e'))
    expect(gate.view()).to.include({ state: 'failing', reason: 'status 500' })
  })

  it('lets one probe through at a time while it fails, from both queues in turn', async () => {
    let now = 0
    const gate = createGate(limits, () => now)
    await makeFail(gate)
    const [fresh, lane] = [await ask(gate, 'fresh'), await ask(gate, 'lane')]
    expect([fresh.permit, lane.permit]).to.deep.equal([undefined, undefined])
    now = 20
    const second = await ask(gate, 'fresh')
    expect(fresh.permit?.probe).to.equal(true)
    expect([lane.permit, second.permit]).to.deep.equal([undefined, undefined])
    fresh.permit?.leave(failed('a'))
    now = 40
    await ask(gate)
    expect(lane.permit?.probe).to.equal(true)
    expect(second.permit).to.equal(undefined)
  })

  it('opens for all at the first success and tells its listeners', async () => {
    const gate = createGate(limits)
    let recoveries = 0
    gate.onRecovery(() => {
      recoveries += 1
    })
    await makeFail(gate)
    const [one, two] = [gate.enter('fresh', never), gate.enter('fresh', never)]
    ;(await one).leave(delivered('a'))
    expect((await two).probe).to.equal(false)
    expect(recoveries).to.equal(1)
    expect(gate.view().state).to.equal('open')
  })

  it('waits with its probe as long as the receiver asked for', async () => {
    const gate = createGate(limits, () => 1_000)
    for (const key of ['a', 'b', 'c']) (await gate.enter('fresh', never)).leave(failed(key, 5_000))
    const before = Date.now()
    const { probeTime } = gate.view()
    expect(probeTime).to.be.within(before + 5_000, Date.now() + 5_000)
  })

  it('probes when it is time although the time of day was set back', async () => {
    const timeOfDay = Date.now
    try {
      const gate = createGate(limits)
      await makeFail(gate)
      Date.now = () => timeOfDay() - 3_600_000
      const patience = AbortSignal.timeout(5_000)
      expect((await gate.enter('fresh', patience)).probe).to.equal(true)
    } finally {
      Date.now = timeOfDay
    }
  })

  it('lets nothing through while it is shut, and goes on when it is not', async () => {
    const gate = createGate(limits)
    gate.shut('no address')
    const asked = await ask(gate)
    expect(asked.permit).to.equal(undefined)
    expect(gate.view()).to.include({ state: 'shut', reason: 'no address' })
    gate.unshut()
    await settled()
    expect(asked.permit).to.not.equal(undefined)
  })

  it('tries a receiver with one request when it is no longer shut, and widens again when that got through', async () => {
    const gate = createGate({ ...limits, fresh: 4, widest: 8, lane: 2 })
    gate.shut('paused')
    const asked = await Promise.all(['fresh', 'fresh', 'lane', 'lane'].map((queue) => ask(gate, queue as Queue)))
    const passed = () => asked.map(({ permit }) => permit !== undefined)
    gate.unshut()
    gate.unshut()
    await settled()
    expect(passed()).to.deep.equal([false, false, true, false])
    expect(gate.view().state).to.equal('open')
    expect(asked[2]?.permit?.moveAside(), 'one that hangs holds up nobody').to.equal(true)
    await settled()
    expect(passed()).to.deep.equal([false, false, true, true])
    asked[3]?.permit?.leave(delivered('a'))
    await settled()
    expect(passed()).to.deep.equal([true, false, true, true])
    asked[0]?.permit?.leave(delivered('b'))
    await settled()
    expect(passed()).to.deep.equal([true, true, true, true])
  })

  it('gives a receiver that is still dead no more than a probe when it is no longer shut', async () => {
    let now = 0
    const gate = createGate({ ...limits, fresh: 4, widest: 8 }, () => now)
    gate.shut('paused')
    const asked = await Promise.all(['fresh', 'fresh', 'fresh'].map((queue) => ask(gate, queue as Queue)))
    gate.unshut()
    await settled()
    expect(asked[0]?.permit?.probe, 'it says nothing about its key').to.equal(true)
    asked[0]?.permit?.leave(failed('a'))
    await settled()
    expect(gate.view()).to.include({ state: 'failing', reason: 'status 500' })
    expect(asked[1]?.permit).to.equal(undefined)
    gate.shut('paused again')
    now = 1
    gate.unshut()
    await settled()
    expect(asked.map(({ permit }) => permit?.probe)).to.deep.equal([true, true, undefined])
  })

  it('begins with as many as its cap where it was shut only because it had just been made', async () => {
    const gate = createGate(limits, undefined, 'no address yet')
    const asked = await Promise.all(['fresh', 'fresh'].map((queue) => ask(gate, queue as Queue)))
    expect(asked.map(({ permit }) => permit?.probe)).to.deep.equal([undefined, undefined])
    gate.unshut()
    await settled()
    expect(asked.map(({ permit }) => permit?.probe)).to.deep.equal([false, false])
  })

  it('forgets who went away while waiting', async () => {
    const gate = createGate({ ...limits, fresh: 1 })
    const first = await gate.enter('fresh', never)
    const leaving = new AbortController()
    const gone = gate.enter('fresh', leaving.signal).then(
      () => 'entered',
      (reason: Error) => reason.message,
    )
    leaving.abort(new Error('stopped'))
    expect(await gone).to.equal('stopped')
    const next = gate.enter('fresh', never)
    first.leave(delivered('a'))
    expect((await next).probe).to.equal(false)
  })

  it('gives room for so many rows in all, in the order asked, and more when some are settled', async () => {
    const gate = createGate(limits)
    gate.countAside(1)
    const giveBack = await gate.room(2, never)
    const through: string[] = []
    const large = gate.room(2, never).then(() => through.push('large'))
    const small = gate.room(1, never).then(() => through.push('small'))
    gate.countAside(-1)
    await settled()
    expect(through).to.deep.equal([])
    expect(gate.view().isFull).to.equal(false)
    giveBack()
    await Promise.all([large, small])
    expect(through).to.deep.equal(['large', 'small'])
  })

  it('lets a small batch through once the large one before it waits no more', async () => {
    const gate = createGate(limits)
    gate.countAside(2)
    const givenUp = new AbortController()
    const large = gate.room(2, givenUp.signal).catch(() => 'given up')
    const small = gate.room(1, never).then(() => 'through')
    givenUp.abort()
    expect(await Promise.all([large, small])).to.deep.equal(['given up', 'through'])
  })

  it('is full while a batch waits because of what is set aside, not because of other batches', async () => {
    const gate = createGate(limits)
    gate.countAside(2)
    const waiting = gate.room(2, never)
    expect(gate.view().isFull).to.equal(true)
    gate.countAside(-2)
    await waiting
    expect(gate.view().isFull).to.equal(false)
  })

  it('lets a batch of more rows than there may be through alone', async () => {
    const gate = createGate(limits)
    const giveBack = await gate.room(10, never)
    let isThrough = false
    void gate.room(1, never).then(() => {
      isThrough = true
    })
    await settled()
    expect(isThrough).to.equal(false)
    giveBack()
  })

  it('begins with one request when the endpoint is back, lanes before fresh events', async () => {
    const gate = createGate({ ...limits, fresh: 4, widest: 8, lane: 2 })
    gate.countAside(1)
    await makeFail(gate)
    const probe = await gate.enter('fresh', never)
    const waiting = [ask(gate, 'fresh'), ask(gate, 'lane'), ask(gate, 'lane')]
    const [fresh, lane, second] = await Promise.all(waiting)
    probe.leave(delivered('a'))
    await settled()
    expect([fresh, lane, second].map((asked) => asked?.permit !== undefined)).to.deep.equal([false, true, false])
    lane?.permit?.leave(delivered('b'))
    await settled()
    expect([fresh, second].map((asked) => asked?.permit !== undefined)).to.deep.equal([true, true])
  })
})
