import { execFile } from 'node:child_process'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { addApiKey, createConsole, SCOPES } from '@tributary/console'
import { openEventLog } from '@tributary/event-log'
import { createHttpServer, createLogger, type HttpServer } from '@tributary/runtime'
import { expect } from 'chai'
import { migratedTestDatabase } from '../../servers/index.ts'
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

  let stop: () => Promise<void>
  let http: HttpServer
  let key: string
  before(async () => {
    const stage = await migratedTestDatabase('api')
    const { database } = stage
    const log = await openEventLog({ url: stage.url, database, partitions: 2 })
    const configuration = {
      ...{ wework: { keyfil: customer }, console: { requestsPerMinute: 1_000_000, externalUrls: [] } },
    }
    const { router } = createConsole({ database, log, configuration })
    const logger = createLogger({ level: 'silent', format: 'json' })
    http = createHttpServer({ host: '127.0.0.1', port: 0, logger, routers: [router], health: [] })
    await http.start()
    key = (await addApiKey(database, { name: 'test', scopes: SCOPES })).key
    await database.query(
      "INSERT INTO eg_order_app_seller (id, channel, seller_id, order_app_id, refresh_token, create_time) VALUES (5, 1, 'shop', 2, 'x', 1)",
    )
    await database.query(
      "INSERT INTO eg_order_order (id, channel, order_app_seller_id, order_id, status, create_time) VALUES (7, 1, '5', '12-3', 'AWAITING_SHIPMENT', 1)",
    )
    await database.query(
      "INSERT INTO eg_order_order_detail (order_id, line_item_id, quantity, create_time) VALUES (7, '1', 2, 1)",
    )
    await database.query("INSERT INTO eg_wework_member (id, user_id, name, create_time) VALUES (1, 'u', 'n', 1)")
    stop = async () => {
      await http.stop()
      await log.close()
      await stage.drop()
    }
  })
  after(() => stop())

  it(`never answers 5xx, nor anything that its description does not describe (Schemathesis, seed ${SEED})`, async () => {
    const program = await schemathesis()
    const words = ['run', `${http.url}/v3/api-docs`, '--header', `Authorization: Bearer ${key}`, '--seed', String(SEED)]
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
      await fetch(`${http.url}/v3/api-docs`, { headers: { Authorization: `Bearer ${key}` } })
    ).json()) as { paths: Record<string, object> }
    const operations = Object.values(paths).reduce((sum, path) => sum + Object.keys(path).length, 0)
    expect(Number(tested)).to.equal(operations)
  })
})
