import { expect } from 'chai'
import { createFailedLogins } from './failed-logins.ts'

describe('Logins that fail', () => {
  const start = (most = 2) => {
    const clock = { now: 0 }
    return { clock, logins: createFailedLogins({ most, window: 60_000, now: () => clock.now }) }
  }

  it('may be so many of one address in a window, which ends', () => {
    const { clock, logins } = start()
    for (const wait of [0, 0, 60_000]) {
      expect(logins.waitOf('10.0.0.1', 'a')).to.equal(wait)
      if (wait === 0) logins.failed('10.0.0.1')
    }
    expect(logins.waitOf('10.0.0.2', 'a')).to.equal(0)
    clock.now = 59_000
    expect(logins.waitOf('10.0.0.1', 'a')).to.equal(1_000)
    clock.now = 60_000
    expect(logins.waitOf('10.0.0.1', 'a')).to.equal(0)
  })

  it('are counted together for one network of IPv6, which has more addresses than anybody can count', () => {
    const { logins } = start()
    for (const address of ['2001:db8:1:2::1', '2001:db8:1:2::2']) logins.failed(address)
    expect(logins.waitOf('2001:db8:1:2:ffff::3', 'a')).to.be.above(0)
    expect(logins.waitOf('2001:db8:ffff::1', 'a')).to.equal(0)
  })

  it('keep nobody out who has proved itself, as long as it is one of the last thousand', () => {
    const { logins } = start(0)
    logins.failed('10.0.0.1')
    logins.succeeded('good')
    expect(logins.waitOf('10.0.0.1', 'good')).to.equal(0)
    for (let number = 0; number < 999; number += 1) logins.succeeded(`other ${number}`)
    expect(logins.waitOf('10.0.0.1', 'good')).to.equal(0)
    logins.succeeded('one more')
    expect(logins.waitOf('10.0.0.1', 'good')).to.be.above(0)
  })
})
