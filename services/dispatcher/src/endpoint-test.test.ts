import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { testEndpoint } from './endpoint-test.ts'
import { listEndpoints } from './known-endpoints.ts'
import { contextOf, openStage, SECRET, type Stage } from './testing/stage.ts'

describe('testing an endpoint', () => {
  let stage: Stage
  /** Takes every request and never answers. */
  const server = createServer(() => {})
  before(async () => {
    stage = await openStage('endpoint_test')
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  after(async () => {
    server.closeAllConnections()
    server.close()
    await stage.close()
  })

  it('ends with an outcome long before the ten minutes that a webhook may take', async () => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
    const webhook = {
      url,
      timeout: 600_000,
      events: ['change_contact'],
      secret: SECRET,
      mode: 'ce-binary',
      fields: 'thin',
    } as const
    const context = contextOf(stage, {}, {})
    const configuration = {
      ...context.configuration,
      wework: { keyfil: { apiUrl: '', webhooks: [{ ...webhook, events: [...webhook.events] }], corps: {}, selfBuilt: {} } },
    }
    const [endpoint] = await listEndpoints({ ...context, configuration })
    if (!endpoint) throw new Error('no endpoint')
    const tested = await testEndpoint({ ...context, configuration }, endpoint, new AbortController().signal, 300)
    expect(tested).to.have.nested.property('outcome.kind', 'timed-out')
  })
})
