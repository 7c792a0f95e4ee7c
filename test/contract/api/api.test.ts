import { execFile } from 'node:child_process'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { SCOPES } from '@tributary/console'
import { type ConsoleUnderTest, startConsole } from '@tributary/console/testing'
import { contextOf, QUICK } from '@tributary/dispatcher/testing'
import { expect } from 'chai'
import { operatedEndpoints } from '../../../services/cli/src/operated-endpoints.ts'
import { schemathesis, whyNoSchemathesis } from './schemathesis.ts'

const run = promisify(execFile)
const SEED = 20261130
const suite = { token: 't', encodingAesKey: 'k', suiteId: 's', providerCorpId: '' }
const customer = { apiUrl: '', webhooks: [], selfBuilt: {}, suite, corps: { one: { directory: 'departments' as const } } }
const reason = whyNoSchemathesis()

describe('The HTTP API against its own description', function () {
  this.timeout(300_000)
  if (reason !== undefined) {
    it(reason)
    return
  }

  let its: ConsoleUnderTest
  let key: string
  before(async () => {
    its = await startConsole({ requestsPerMinute: 1_000_000 }, { keyfil: customer }, (parts) =>
      operatedEndpoints({ ...parts, configuration: contextOf(parts, {}, QUICK).configuration }),
    )
    await its.database.query(
      "INSERT INTO eg_spi (type, server_code, server_name, secret, create_time) VALUES (1, 'warehouse', 'warehouse', '', 0)",
    )
    key = await its.keyWith(SCOPES)
    await its.addOrder(7, 'AWAITING_SHIPMENT')
    await its.database.query("INSERT INTO eg_wework_member (id, user_id, name, create_time) VALUES (1, 'u', 'n', 1)")
  })
  after(() => its.close())

  it(`never answers 5xx, nor anything that its description does not describe (Schemathesis, seed ${SEED})`, async () => {
    const program = await schemathesis()
    const words = ['run', `${its.http.url}/v3/api-docs`, '--header', `Authorization: Bearer ${key}`, '--seed', String(SEED)]
    // Data of the right form may still be refused: a line that the order does not have, a package of a cancelled order.
    const checks = ['--checks', 'all', '--exclude-checks', 'positive_data_acceptance']
    const bounds = ['--max-examples', '6', '--no-color', '--warnings', 'off']
    const { code, stdout } = await run(program, [...words, ...checks, ...bounds], {
      // It keeps notes of its own where it runs.
      cwd: dirname(program),
      maxBuffer: 64 * 1024 * 1024,
    }).then(
      ({ stdout }) => ({ code: 0, stdout }),
      (error: { code: number; stdout: string }) => error,
    )
    expect(code, stdout).to.equal(0)
    const [, tested] = /Tested: (\d+)/.exec(stdout) ?? []
    const { paths } = (await (
      await fetch(`${its.http.url}/v3/api-docs`, { headers: { Authorization: `Bearer ${key}` } })
    ).json()) as { paths: Record<string, object> }
    const operations = Object.values(paths).reduce((sum, path) => sum + Object.keys(path).length, 0)
    expect(Number(tested)).to.equal(operations)
  })
})
