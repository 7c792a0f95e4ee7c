import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { countReplay, type DeliveryPolicy, planReplay, rotateKey, startReplay } from '@tributary/delivery'
import { CONTACT_TOPIC, encodeEvent } from '@tributary/events'
import type { PartnerWebhook, Service, WeworkCustomer } from '@tributary/runtime'
import { until } from '@tributary/test/servers'
import { type ChangeType, contactEvents, corpSubject } from '@tributary/wecom'
import { expect } from 'chai'
import { Webhook } from 'standardwebhooks'
import { createDispatcher } from './dispatcher.ts'
import { contextOf, openStage, QUICK, SECRET, type Stage } from './testing/stage.ts'
import { contactEventFilter, webhooksOf } from './webhook-endpoint.ts'

type Arrival = { headers: IncomingMessage['headers']; body: string; status: number }
const CORP = { customer: 'keyfil', suiteId: 'ww0suite', corpId: 'wpFirst' }

describe('webhooks of partners', () => {
  let stage: Stage
  let dispatcher: Service | undefined
  let arrivals: Arrival[]
  /** The status for the next request, by the user that it is about; 200 else. 0 never answers. */
  let answer: (userId: string) => number
  let rowId = 0
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const status = answer(JSON.parse(body).data.userId)
      arrivals.push({ headers: request.headers, body, status })
      if (status === 302) response.setHeader('location', '/elsewhere')
      if (status > 0) response.writeHead(status).end()
    })
  })
  let url: string

  before(async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/changeContact`
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })
  beforeEach(async () => {
    arrivals = []
    answer = () => 200
    stage = await openStage('webhooks')
  })
  afterEach(async () => {
    await dispatcher?.stop()
    dispatcher = undefined
    await stage.close()
  })

  const customerOf = (given: Partial<PartnerWebhook> = {}): WeworkCustomer => {
    const webhook: PartnerWebhook = {
      ...{ url, timeout: 6_000, events: ['change_contact'], secret: SECRET, mode: 'ce-binary', fields: 'thin' },
      ...given,
    }
    return { apiUrl: '', webhooks: [webhook], corps: {}, selfBuilt: {} }
  }
  const start = async (given: Partial<PartnerWebhook> = {}, policy: Partial<DeliveryPolicy> = QUICK) => {
    const context = contextOf(stage, {}, policy)
    const configuration = { ...context.configuration, wework: { keyfil: customerOf(given) } }
    dispatcher = createDispatcher({ ...context, configuration, lookEvery: 50 })
    await dispatcher.start()
  }
  const append = async (
    changeType: ChangeType,
    fields: Record<string, string>,
    { customer = CORP.customer, origin = 'callback' }: { customer?: string; origin?: 'callback' | 'import' } = {},
  ) => {
    const { vault, log } = stage
    const corp = { ...CORP, customer, subject: corpSubject(vault, { ...CORP, customer }, 0) }
    const change = { corp, changeType, timestamp: 1_767_225_600 + rowId, origin: 'callback' as const, receiveId: 'x', fields }
    const events = await contactEvents({ vault, rowIds: { next: () => ++rowId }, source: '/test' }, [change])
    await log.append(
      CONTACT_TOPIC,
      events.map((event) => encodeEvent({ ...event, data: { ...event.data, origin } })),
    )
  }
  const taken = () => arrivals.filter(({ status }) => status === 200)

  it('have names that their columns hold, also those of customers with long names, and keep the short ones', () => {
    const named = (customer: string) => {
      const { configuration } = contextOf(stage, {}, QUICK)
      const consumerGroups = { ...configuration.consumerGroups, weworkEventWebhook: 'egWeworkEventWebhookConsumerGroup' }
      return webhooksOf({ consumerGroups, wework: { [customer]: customerOf() } })[0]?.name ?? ''
    }
    expect(named('keyfil')).to.match(/^egWeworkEventWebhookConsumerGroup:keyfil:[0-9a-f]{8}$/)
    const long = named('n'.repeat(100))
    expect(long.length).to.be.at.most(128)
    expect(long).to.match(/^egWeworkEventWebhookConsumerGroup:=/)
    expect(named(`${'n'.repeat(99)}m`)).not.to.equal(long)
  })

  it('get every change of their customer and of no other, none that an existing system knew, signed so that the official library takes it', async () => {
    await start()
    await append('create_user', { UserID: 'other' }, { customer: 'another' })
    await append('create_user', { UserID: 'known' }, { origin: 'import' })
    await append('create_user', { UserID: 'a', Name: 'Alma', Department: '1,2' })
    await until('one arrived', () => arrivals.length > 0)
    await append('create_party', { Id: '7', ParentId: '1' })
    await until('both arrived', () => arrivals.length > 1)
    expect(arrivals.map(({ body }) => JSON.parse(body).type)).to.deep.equal([
      'wework.change_contact.create_user',
      'wework.change_contact.create_party',
    ])
    for (const { headers, body } of arrivals) {
      new Webhook(SECRET).verify(body, headers as Record<string, string>)
      expect(headers['ce-id']).to.equal(JSON.parse(body).id)
      expect(headers['webhook-id']).to.equal(headers['ce-id'])
    }
    expect(arrivals[0]?.body).to.not.contain('Alma')
  })

  it('get a range again when somebody asks for that, under the ids of the first time', async () => {
    await start()
    await append('create_user', { UserID: 'other' }, { customer: 'another' })
    await append('create_user', { UserID: 'known' }, { origin: 'import' })
    for (const UserID of ['a', 'b']) await append('create_user', { UserID })
    await until('both arrived', () => taken().length === 2)
    const [endpoint = ''] = webhooksOf({ ...contextOf(stage, {}, QUICK).configuration, wework: { keyfil: customerOf() } }).map(
      ({ name }) => name,
    )
    const ends = await stage.log.ends(CONTACT_TOPIC)
    const places = { endpoint, topic: CONTACT_TOPIC, from: ends.map(() => 0) }
    await until('its cursors stand at the end', async () => {
      const plan = await planReplay(stage.database, places)
      return plan.reduce((sum, { live }) => sum + live, 0) === ends.reduce((sum, end) => sum + end, 0)
    })
    const plan = await planReplay(stage.database, places)
    const wants = contactEventFilter(CORP.customer)
    const signal = new AbortController().signal
    expect((await countReplay(stage.log, CONTACT_TOPIC, plan, { wants, signal })).events).to.equal(2)
    await startReplay(stage.database, { endpoint, topic: CONTACT_TOPIC, plan, by: 'test' })
    await until('both arrived again', () => taken().length === 4)
    const ids = taken().map(({ headers }) => headers['webhook-id'])
    expect(new Set(ids.slice(2))).to.deep.equal(new Set(ids.slice(0, 2)))
  })

  it('are told again what failed, under the same id, in order for each member while others go on', async () => {
    let failures = 0
    const isTaken = (user: string) => taken().some(({ body }) => JSON.parse(body).data.userId === user)
    // One member is refused for as long as nothing of the other has been taken, so no clock decides this.
    answer = (userId) => (userId === 'a' && !isTaken('b') ? ([500, 302, 503][failures++ % 3] ?? 500) : 200)
    await start()
    for (const alias of ['1', '2', '3']) {
      await append('update_user', { UserID: 'a', Department: alias })
      await append('update_user', { UserID: 'b', Department: alias })
    }
    await until('all were taken', () => taken().length === 6)
    const told = (userId: string) =>
      taken()
        .map(({ body }) => JSON.parse(body).data)
        .filter((data) => data.userId === userId)
        .map((data) => data.changed.department[0])
    expect(told('a')).to.deep.equal([1, 2, 3])
    expect(told('b')).to.deep.equal([1, 2, 3])
    const refused = arrivals.filter(({ status }) => status !== 200)
    const first = taken().find(({ body }) => JSON.parse(body).data.userId === 'a')
    expect(refused).to.not.deep.equal([])
    for (const { headers } of refused) expect(headers['webhook-id']).to.equal(first?.headers['webhook-id'])
  })

  it('lose a change that is refused at every try to the dead letters, and get the next of its member', async () => {
    answer = () => (arrivals.length < 2 ? 400 : 200)
    await start({}, { ...QUICK, schedule: [5] })
    for (const alias of ['1', '2']) await append('update_user', { UserID: 'a', Department: alias })
    await until('the second was taken', () => taken().length === 1)
    await until('the first was given up', async () => {
      const [row] = await stage.database.query<{ letters: number }[]>('SELECT COUNT(*) AS letters FROM tributary_dead_letter')
      return row?.letters === 1
    })
  })

  it('count a request as failed that is not answered within their time', async () => {
    let unanswered = 1
    answer = () => (unanswered-- > 0 ? 0 : 200)
    await start({ timeout: 100 })
    await append('create_user', { UserID: 'a' })
    await until('it was told again', () => taken().length === 1)
    expect(arrivals.map(({ status }) => status)).to.deep.equal([0, 200])
  })

  it('are signed with a key of ours where the configuration names no secret', async () => {
    await start({ secret: '' })
    const { details = {}, reason } = (await dispatcher?.health()) ?? {}
    const [name = ''] = Object.keys(details)
    expect(reason).to.contain(`endpoint rotate-secret ${name}`)
    const owner = { endpoint: name, since: 0, given: '' }
    const made = await rotateKey(stage, owner, { kind: 'v1', overlap: 0 })
    await append('create_user', { UserID: 'a' })
    await until('it arrived', () => taken().length === 1)
    const [arrival] = taken()
    new Webhook(typeof made === 'object' && 'handOver' in made ? made.handOver : '').verify(
      arrival?.body ?? '',
      arrival?.headers as Record<string, string>,
    )
  })

  it('are disabled by 410, and stand still without a secret; health says what to do', async () => {
    answer = () => 410
    await start()
    await append('create_user', { UserID: 'a' })
    await until('health knows', async () => String((await dispatcher?.health())?.reason).includes('410 Gone'))
    await dispatcher?.stop()
    answer = () => 200
    await start({ url: `${url}?2`, mode: 'compat' })
    await until('the unsigned one arrived', () => taken().length === 1)
    expect(Object.keys(taken()[0]?.headers ?? {}).filter((name) => /^(ce|webhook)-/.test(name))).to.deep.equal([])
    await dispatcher?.stop()
    await start({ url: `${url}?3`, secret: 'short' })
    expect((await dispatcher?.health())?.reason).to.contain('qifu.eg.wework-map.keyfil.webhooks')
  })
})
