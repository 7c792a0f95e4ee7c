import { addApiKey, createConsole, SCOPES } from '@tributary/console'
import { contextOf, openStage, QUICK, SECRET, type Stage } from '@tributary/dispatcher/testing'
import { anEvent } from '@tributary/event-log/testing'
import { ORDER_TOPIC } from '@tributary/events'
import { createLogger, type Service } from '@tributary/runtime'
import { createHttpServer, type HttpServer } from '@tributary/runtime/http'
import { expect } from 'chai'
import { operatedEndpoints } from '../../services/cli/src/operated-endpoints.ts'
import { until } from '../servers/index.ts'
import { createSpiReceiver, type SpiReceiver } from '../simulators/spi/index.ts'

const NAME = 'egOrderSpiConsumerGroup:warehouse'
const PATH = `/v1/endpoints/${NAME}`
type Body = Record<string, unknown> & { code?: string }

describe('endpoints, looked after over the HTTP API', function () {
  this.timeout(60_000)
  let stage: Stage
  let receiver: SpiReceiver
  let dispatcher: Service | undefined
  let http: HttpServer
  let key: string
  let ids: string[]

  beforeEach(async () => {
    stage = await openStage('endpoint_api', { partitions: 1 })
    receiver = await createSpiReceiver({ secret: SECRET })
    await stage.addService('warehouse')
    await stage.setCodes(['warehouse'])
    const { configuration } = contextOf(stage, { warehouse: receiver.url }, QUICK)
    const console = { requestsPerMinute: 10_000, externalUrls: [] }
    const { router } = createConsole({
      ...stage,
      configuration: { ...configuration, console },
      endpoints: operatedEndpoints({ ...stage, configuration }),
    })
    const logger = createLogger({ level: 'silent', format: 'json' })
    http = createHttpServer({ host: '127.0.0.1', port: 0, logger, routers: [router], health: [] })
    await http.start()
    key = (await addApiKey(stage.database, { name: 'operator', scopes: SCOPES })).key
    ids = []
  })
  afterEach(async () => {
    await dispatcher?.stop()
    dispatcher = undefined
    await http.stop()
    await receiver.close()
    await stage.close()
  })

  async function call(method: 'GET' | 'POST', path: string, body?: unknown): Promise<{ status: number; body: Body }> {
    const headers = { Authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) }
    const answer = await fetch(`${http.url}${path}`, {
      ...{ method, headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: answer.status, body: (await answer.json()) as Body }
  }
  const get = async (path: string) => (await call('GET', path)).body
  const post = (path: string, body?: unknown) => call('POST', path, body)

  const deliver = async (policy = {}) => {
    dispatcher = stage.dispatcher({ warehouse: receiver.url }, { ...QUICK, ...policy })
    await dispatcher.start()
  }
  const audit = async () =>
    (await stage.database.query<{ action: string }[]>('SELECT action FROM tributary_audit ORDER BY id')).map(
      ({ action }) => action,
    )

  it('are listed, paused, so that nothing is sent, and resumed, so that everything comes', async () => {
    expect(await get('/v1/endpoints'))
      .to.have.nested.property('endpoints[0]')
      .that.includes({ endpoint: NAME, state: 'active' })
    expect((await post(`${PATH}/pause`, { reason: 'stocktaking' })).status).to.equal(200)
    await deliver()
    ids = await stage.appendOrders(['A', 'B'])
    const listed = await get('/v1/endpoints')
    expect(listed).to.have.nested.property('endpoints[0]').that.includes({ state: 'paused', reason: 'stocktaking', lag: 2 })
    expect(await post(`${PATH}/pause`, { reason: 'again' })).to.have.nested.property('body.code', 'ENDPOINT_STATE')
    expect(receiver.record.arrivals).to.have.length(0)
    await post(`${PATH}/resume`)
    await until('all came', () => ids.every(receiver.record.has))
    await until('the cursor is at the end', async () => (await get('/v1/endpoints'))['endpoints']?.[0 as never]?.['lag'] === 0)
    expect(await audit()).to.deep.equal(['endpoint paused', 'endpoint active'])
  })

  it('are tested by one message, delivered or not', async () => {
    expect((await post(`${PATH}/test`)).body).to.include({ endpoint: NAME, outcome: 'delivered', status: 200 })
    receiver.fault({ kind: 'status', status: 503 })
    expect((await post(`${PATH}/test`)).body).to.include({ outcome: 'throttled', reason: 'status 503' })
    expect((await post('/v1/endpoints/nobody/test')).body).to.include({ status: 404, code: 'ENDPOINT_UNKNOWN' })
  })

  it('get new keys that sign at once, shown once, until they are revoked', async () => {
    const { status, body: made } = await post(`${PATH}/keys`, { overlapSeconds: 60 })
    expect(status).to.equal(201)
    expect(made['secret']).to.match(/^whsec_/)
    const text = JSON.stringify(await get(`${PATH}/keys`))
    expect(text).not.to.include('whsec_')
    expect(JSON.parse(text).keys).to.have.length(2)
    await post(`${PATH}/test`)
    expect(receiver.record.arrivals.at(-1)?.headers['webhook-signature']?.toString().split(' ')).to.have.length(2)
    const secret = `whsec_${Buffer.alloc(32, 9).toString('base64')}`
    const own = [await post(`${PATH}/keys`, { secret }), await post(`${PATH}/keys`, { secret })] as const
    expect(own.map((answer) => answer.status)).to.deep.equal([201, 200])
    expect(own[1].body).to.deep.equal(own[0].body).and.not.to.have.property('secret')
    await post(`${PATH}/keys/${own[0].body['id']}/revoke`)
    expect(await post(`${PATH}/keys`, { secret })).to.have.nested.property('body.code', 'ENDPOINT_SECRET_ENDED')
    expect((await post(`${PATH}/keys/${made['id']}/revoke`)).body).to.include({ isAnyLeft: true })
    expect(await post(`${PATH}/keys/${made['id']}/revoke`)).to.have.nested.property('body.code', 'ENDPOINT_KEY_UNKNOWN')
    await post(`${PATH}/test`)
    expect(receiver.record.arrivals.at(-1)?.headers['webhook-signature']?.toString().split(' ')).to.have.length(1)
    // Whoever asks for a key is recorded before it is known whether there will be one.
    const rotations = ['rotate-secret', 'test', 'rotate-secret', 'rotate-secret', 'revoke-key', 'rotate-secret']
    expect(await audit()).to.deep.equal([...rotations, 'revoke-key', 'test'].map((change) => `endpoint ${change}`))
  })

  it('have their blocked deliveries shown, tried again and skipped', async () => {
    receiver.fault({ kind: 'status', status: 400 })
    ids = await stage.appendOrders(['A', 'A', 'B'])
    await deliver({ schedule: [10], exhausted: 'block' })
    const blocked = () => get('/v1/deliveries?outcome=blocked')
    await until('both keys are blocked', async () => ((await blocked())['deliveries'] as unknown[]).length === 2)
    const first = await get('/v1/deliveries?outcome=blocked&limit=1')
    expect(first['deliveries']).to.have.length(1)
    const second = await get(`/v1/deliveries?outcome=blocked&limit=1&cursor=${encodeURIComponent(String(first['next']))}`)
    expect([second['deliveries'], second['next']].flat()).to.have.length(2).and.to.include(null)
    const shown = await get(`${PATH}/deliveries/0/0`)
    expect(shown).to.include({ standing: 'blocked', topic: 'EG_ORDER_SPI_TOPIC' })
    expect(shown['tries']).to.have.nested.property('[0]').that.includes({ attempt: 1, outcome: 'refused', status: 400 })
    expect((await post(`${PATH}/deliveries/0/0/skip`, { reason: 'known to be bad' })).status).to.equal(202)
    await until('the next of its key is blocked', async () => (await get(`${PATH}/deliveries/0/1`))['standing'] === 'blocked')
    const refused = await post(`${PATH}/deliveries/0/0/retry`)
    expect([refused.status, refused.body.code], 'a later event of its key waits').to.deep.equal([409, 'REPLAY_REFUSED'])
    receiver.heal()
    expect((await post(`${PATH}/deliveries/0/1/retry`)).status).to.equal(202)
    await until('what waited behind it came', () => receiver.record.has(ids[1] ?? ''))
    expect((await post(`${PATH}/retry`, {})).body).to.deep.equal({ retriedKeys: 1 })
    await until('the other key came', () => receiver.record.has(ids[2] ?? ''))
    await until('both lanes have ended', async () => (await stage.count('lane')) === 0)
    expect(await post(`${PATH}/retry`, {})).to.have.nested.property('body.code', 'DELIVERY_NOT_WAITING')
    expect(await post(`${PATH}/deliveries/0/1/skip`, { reason: 'x' })).to.have.nested.property('body.code', 'DELIVERY_STANDS')
    expect(await get('/v1/deliveries?outcome=given-up')).to.have.nested.property('deliveries[0].position', 0)
    expect((await post(`${PATH}/deliveries/0/0/retry`)).status).to.equal(202)
    await until('what was given up came after all', () => receiver.record.has(ids[0] ?? ''))
    expect((await call('GET', `${PATH}/deliveries/0/9`)).status).to.equal(404)
    expect((await call('GET', `${PATH}/deliveries/7/0`)).status).to.equal(404)
    const changes = (await audit()).filter((action) => action !== 'deliveries show')
    const retries = ['deliveries retry', 'deliveries retry', 'deliveries retry']
    expect(changes).to.deep.equal(['deliveries skip', ...retries])
  })

  it('tell of an event that cannot be read', async () => {
    await stage.log.append(ORDER_TOPIC, [anEvent({ type: 'OrderReceived', dataversion: 99, partitionkey: '1:shop:A' })])
    await deliver()
    const listed = async () => ((await get('/v1/endpoints'))['endpoints'] as Record<string, unknown>[])[0]
    await until('its key is parked', async () => (await listed())?.['parkedKeys'] === 1)
    expect(await get(`${PATH}/deliveries/0/0`)).to.include({ standing: 'parked' })
  })

  it('get again what they had, after somebody has seen how much that is', async () => {
    ids = await stage.appendOrders(['A', 'B', 'C'])
    await deliver()
    await until('all came', () => ids.every(receiver.record.has))
    await until('the cursor is behind them', async () => (await stage.cursor('warehouse')) === 3)
    const { body: figures } = await post(`${PATH}/replay`, { from: { position: 1 }, dryRun: true })
    expect(figures).to.include({ events: 2 }).and.to.have.nested.property('first.position', 1)
    expect(receiver.record.arrivals).to.have.length(3)
    expect((await post(`${PATH}/replay`, { from: { time: 0 } })).body).to.deep.include({ endpoint: NAME, total: 3 })
    await until('all came again', () => receiver.record.arrivals.length === 6)
    await until('the replay has ended', async () => (await get(`${PATH}/replay`))['done'] === 3)
    expect(await post(`${PATH}/replay`, { from: { position: 3 } })).to.have.nested.property('body.code', 'REPLAY_EMPTY')
    const ofNobody = await post(`${PATH}/replay`, { from: { position: 0 }, key: '1:nobody:Z' })
    expect([ofNobody.status, ofNobody.body.code], 'as the command refuses it').to.deep.equal([409, 'REPLAY_EMPTY'])
    expect(await post(`${PATH}/replay`, { from: {} })).to.have.property('status', 400)
    const tooLong = 'k'.repeat(256)
    expect(await post(`${PATH}/replay`, { from: { position: 0 }, key: tooLong })).to.have.property('status', 400)
    expect(await audit()).to.deep.equal(['replay'])
  })
})
