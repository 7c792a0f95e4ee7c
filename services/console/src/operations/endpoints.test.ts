import { setEndpointState } from '@tributary/delivery'
import { ORDER_TOPIC } from '@tributary/events'
import { expect } from 'chai'
import type { Endpoint } from '../endpoints.ts'
import { type ConsoleUnderTest, startConsole } from '../testing/console-under-test.ts'

const NAME = 'egOrderSpiConsumerGroup:warehouse'
const unused = () => Promise.reject(new Error('Not of this test.'))
const ENDPOINT: Endpoint = {
  ...{ name: NAME, topic: ORDER_TOPIC, owner: { endpoint: NAME, since: 0, given: '' } },
  ...{ test: unused, planReplay: unused, countReplay: unused },
}

describe('Changes of endpoints over the HTTP API', () => {
  let its: ConsoleUnderTest
  before(async () => {
    its = await startConsole({}, {}, () => async () => [ENDPOINT])
  })
  after(() => its.close())
  beforeEach(async () => {
    await setEndpointState(its.database, { name: NAME, state: 'active', reason: '' })
    await its.database.query('DELETE FROM tributary_audit')
  })

  for (const [statement, ...then] of [['INSERT INTO tributary_endpoint'], ['INSERT INTO tributary_audit'], ['START', 'COMMIT']])
    it(`are written down, also when the answer to ${then[0] ?? statement} gets lost and the caller asks again`, async () => {
      const pause = () => its.post(`/v1/endpoints/${encodeURIComponent(NAME)}/pause`, { reason: 'looking' })
      const lost = its.relay.loseAnswerTo(statement ?? '', then[0])
      expect((await pause()).status).to.equal(503)
      await lost
      // The second one, where the first was done without our knowing.
      expect((await pause()).status).to.equal(then.length === 0 ? 200 : 409)
      const entries = await its.database.query('SELECT action, target FROM tributary_audit')
      expect(entries).to.deep.equal([{ action: 'endpoint paused', target: NAME }])
    })
})
