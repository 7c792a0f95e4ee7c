import { expect } from 'chai'
import { Webhook } from 'standardwebhooks'
import { signingKey } from './signature.ts'
import { contactTestRequest, spiTestRequest } from './test-message.ts'

const secret = 'whsec_c2VjcmV0LWZvci10ZXN0cy1vbmx5LTMyLWJ5dGVz'
const made = signingKey(secret)
if (made.kind !== 'key') throw new Error(made.problem)
const test = { name: 'group:one', target: { url: 'http://receiver.example/', keys: [made.key] }, now: Date.now() }
const webhook = new Webhook(secret)

describe('A test message', () => {
  it('is signed as every message is, has an id of its own, and says in its body that it is a test', () => {
    const requests = [spiTestRequest(test), contactTestRequest('ce-binary', test), contactTestRequest('ce-structured', test)]
    for (const { headers, body } of requests) {
      webhook.verify(body, { ...headers })
      expect(JSON.parse(body)).to.include({ type: 'tributary.endpoint.test' })
      expect(body).to.include('"test":true')
    }
    expect(new Set(requests.map(({ headers }) => headers['webhook-id'])).size).to.equal(3)
  })

  it('is the body alone for a webhook that cannot change', () => {
    const { headers, body } = contactTestRequest('compat', test)
    expect(Object.keys(headers)).to.deep.equal(['content-type'])
    expect(JSON.parse(body)).to.deep.include({ type: 'tributary.endpoint.test', data: { test: true } })
  })
})
