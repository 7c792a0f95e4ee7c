import { expect } from 'chai'
import { createPace } from './pace.ts'

describe('The pace of an endpoint', () => {
  const round = (pace: ReturnType<typeof createPace>, sign: 'good' | 'overload') => {
    const requests = Array.from({ length: pace.cap() }, () => pace.begin())
    for (const request of requests) pace.hear(request, sign, true)
  }

  it('doubles while all goes well, up to its widest', () => {
    const pace = createPace({ fresh: 8, widest: 64 }, () => 0)
    const caps = [pace.cap()]
    for (let n = 0; n < 4; n += 1) {
      round(pace, 'good')
      caps.push(pace.cap())
    }
    expect(caps).to.deep.equal([8, 16, 32, 64, 64])
  })

  it('halves once for all that were out when overload showed, and then widens slowly', () => {
    const pace = createPace({ fresh: 16, widest: 64 }, () => 0)
    round(pace, 'overload')
    expect(pace.cap()).to.equal(8)
    round(pace, 'good')
    expect(pace.cap()).to.be.within(8, 9)
  })

  it('never closes', () => {
    const pace = createPace({ fresh: 4, widest: 64 }, () => 0)
    for (let n = 0; n < 10; n += 1) round(pace, 'overload')
    expect(pace.cap()).to.equal(1)
  })

  it('learns nothing from requests that did not fill it', () => {
    const pace = createPace({ fresh: 8, widest: 64 }, () => 0)
    for (let n = 0; n < 100; n += 1) pace.hear(pace.begin(), 'good', false)
    expect(pace.cap()).to.equal(8)
  })

  it('begins with one request after the endpoint failed, and doubles up to where it was', () => {
    const pace = createPace({ fresh: 8, widest: 64 }, () => 0)
    pace.restart()
    const caps = [pace.cap()]
    for (let n = 0; n < 4; n += 1) {
      round(pace, 'good')
      caps.push(pace.cap())
    }
    expect(caps).to.deep.equal([1, 2, 4, 8, 8])
  })

  it('does not take what was out when the endpoint failed for a sign of how it does now', () => {
    const pace = createPace({ fresh: 8, widest: 64 }, () => 0)
    const out = Array.from({ length: 8 }, () => pace.begin())
    pace.restart()
    for (const request of out) pace.hear(request, 'overload', true)
    for (let n = 0; n < 3; n += 1) round(pace, 'good')
    expect(pace.cap()).to.equal(8)
  })

  it('lets no more begin in a second than the endpoint allows', () => {
    let time = 0
    const pace = createPace({ fresh: 8, widest: 64, perSecond: 10 }, () => time)
    let begun = 0
    for (; time < 10_000; time += 10) {
      while (pace.wait() === 0) {
        pace.begin()
        begun += 1
      }
    }
    expect(begun).to.be.within(105, 110)
    expect(pace.wait()).to.be.within(1, 100)
  })
})
