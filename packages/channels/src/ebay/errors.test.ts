import { expect } from 'chai'
import { answerOf } from '../http.ts'
import { retryAfter } from '../retry-after.ts'
import { readFaults, refusal } from './errors.ts'
import { fixtureText, sharedFixtureText } from './testing/fixtures.ts'

const answer = (status: number, text: string) => answerOf({ status, headers: new Headers() }, Buffer.from(text))

describe('The errors of eBay', () => {
  it('are read from its error body, without the values that were sent', () => {
    expect(readFaults(fixtureText('synthetic/error.envelope.json'))).to.deep.equal([
      { errorId: 32300, category: 'REQUEST', message: 'Invalid shipment tracking number or carrier' },
    ])
  })

  it('are none where a body holds something else', () => {
    for (const text of ['', '<html>', 'null', '[]', '{"errors":7}', '{"errors":[7,null]}'])
      expect(readFaults(text)).to.deep.equal([])
  })

  it('say how long to wait in seconds or as a date, never longer than a day', () => {
    const now = Date.parse('2026-11-23T12:00:00Z')
    const wait = (value: string) => retryAfter(new Headers({ 'retry-after': value }), now)
    expect(wait('120')).to.equal(120_000)
    expect(wait('Mon, 23 Nov 2026 12:00:30 GMT')).to.equal(30_000)
    expect(wait('Mon, 23 Nov 2026 11:00:00 GMT')).to.equal(0)
    expect(wait('9999999')).to.equal(86_400_000)
    expect(wait('soon')).to.equal(undefined)
    expect(retryAfter(new Headers(), now)).to.equal(undefined)
  })
})

const catalogue = sharedFixtureText('fulfillment-error-catalogue.v1.20.7.json')
if (catalogue !== undefined) {
  type Catalogue = Record<string, Record<string, Record<string, { category: string; description: string }>>>

  describe('Every error that the Fulfillment API documents', () => {
    for (const [operation, statuses] of Object.entries(JSON.parse(catalogue) as Catalogue))
      for (const [status, ids] of Object.entries(statuses))
        for (const [errorId, { category, description }] of Object.entries(ids)) {
          it(`is classed by its category: ${operation} ${status} ${errorId}`, () => {
            const text = JSON.stringify({ errors: [{ errorId: Number(errorId), category, message: description }] })
            const error = refusal(answer(Number(status), text), operation, Date.now())
            expect(error.remedy).to.equal(category === 'APPLICATION' ? 'retry' : 'bug')
            expect(error.message).to.include(errorId)
          })
        }
  })
}
