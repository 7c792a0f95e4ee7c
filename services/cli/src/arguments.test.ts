import { expect } from 'chai'
import { InvalidArgumentError } from 'commander'
import { parseTime } from './arguments.ts'

describe('a time on the command line', () => {
  it('is ISO 8601, in UTC where it names no zone, or milliseconds', () => {
    const moment = Date.UTC(2026, 10, 27, 9, 30)
    for (const text of [
      '2026-11-27T09:30:00Z',
      '2026-11-27T09:30',
      '2026-11-27 09:30',
      '2026-11-27T10:30:00.000+01:00',
      String(moment),
    ])
      expect(parseTime(text), text).to.equal(moment)
    expect(parseTime('2026-11-27')).to.equal(Date.UTC(2026, 10, 27))
  })

  it('is the same whatever zone the machine is in', () => {
    const before = process.env['TZ']
    process.env['TZ'] = 'America/Los_Angeles'
    try {
      expect(parseTime('2026-11-01T01:30')).to.equal(Date.UTC(2026, 10, 1, 1, 30))
    } finally {
      if (before === undefined) delete process.env['TZ']
      else process.env['TZ'] = before
    }
  })

  it('is refused where it could only be guessed at: a replay from another day delivers too much or too little', () => {
    for (const text of [
      '5',
      '2026',
      '11/12/2026',
      'yesterday 5',
      '2026-02-31',
      '2026-11-27T25:00',
      '2026-13-01',
      '1700000000',
      '',
    ])
      expect(() => parseTime(text), text).to.throw(InvalidArgumentError)
  })
})
