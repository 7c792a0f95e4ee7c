import { createAmazon } from '@tributary/channels/amazon'
import { addApp } from '@tributary/database'
import { createRowIds } from '@tributary/events'
import { until } from '@tributary/test/servers'
import { type AmazonSimulator, createAmazonMarketplace, QUEUE_CREDENTIALS } from '@tributary/test/simulators/amazon'
import { expect } from 'chai'
import { confirmParkedConsent, listParkedConsents } from './oauth/parked-consents.ts'
import { ofType, single } from './testing/events.ts'
import { type IngestUnderTest, prepareIngest } from './testing/ingest-under-test.ts'

/** Longer than anything here takes, milliseconds. */
const LONG = 30_000

describe('taking in what Amazon says', () => {
  let its: IngestUnderTest
  let amazon: AmazonSimulator
  let sellerId: string
  before(async () => {
    its = await prepareIngest()
  })
  after(() => its.close())
  beforeEach(async () => {
    await its.reset()
    amazon = await createAmazonMarketplace({ seed: 7 })
    sellerId = amazon.addSeller().sellerId
  })
  afterEach(async () => {
    // The process first: it may be waiting at the queue.
    await its.restart()
    await amazon.close()
  })

  const run = async ({ wait = 1, accessKeyId = QUEUE_CREDENTIALS.accessKeyId } = {}) => {
    const credentials = { ...QUEUE_CREDENTIALS, accessKeyId }
    const channel = createAmazon({
      urls: amazon.urls,
      topics: [amazon.topic.arn],
      snsOrigin: amazon.origin,
      queue: { url: amazon.queueUrl, wait, credentials },
      budget: { take: async () => {} },
    })
    await its.restart({}, [channel])
    amazon.connect(its.server.url)
  }
  const notified = async () => ofType(await its.events(), 'OrderNotified')
  const addOrder = () => amazon.addOrder(sellerId).orderId
  const health = async () => (await its.ingest.health()) as { status: string; reason?: string }

  it('removes a message from the queue once the log has its hint', async () => {
    await run()
    const orderId = addOrder()
    const text = amazon.orderChange(orderId, { notificationId: 'n-1', time: 1_700_000_000_000 })
    expect(await amazon.queue.removed(amazon.queue.send(text), LONG)).to.equal(true)
    expect(single(await notified()).data).to.deep.equal({
      channel: 3,
      sellerId,
      orderId,
      topic: 'ORDER_CHANGE',
      notificationId: 'n-1',
      notifiedTime: 1_700_000_000_000,
    })
    expect(await health()).to.include({ status: 'ok' })
  })

  it('keeps a notification once, whether it lies in the queue twice or SNS posts it, too', async () => {
    await run()
    const text = amazon.orderChange(addOrder(), { notificationId: 'n-1' })
    expect(await amazon.post(amazon.topic.message({ Message: text }))).to.equal(200)
    for (let copy = 0; copy < 2; copy += 1) expect(await amazon.queue.removed(amazon.queue.send(text), LONG)).to.equal(true)
    expect(await notified()).to.have.length(1)
  })

  it('keeps one hint for each order of a batch, the newest, and ends every message of it', async () => {
    const [one, two] = [addOrder(), addOrder()]
    const change = (orderId: string, notificationId: string, time: number) =>
      amazon.queue.send(amazon.orderChange(orderId, { notificationId, time }))
    const ids = [change(one, 'old', 1_000), change(one, 'new', 3_000), change(one, 'older', 2_000), change(two, 'other', 1_000)]
    await run()
    for (const id of ids) expect(await amazon.queue.removed(id, LONG)).to.equal(true)
    expect((await notified()).map(({ data }) => data.notificationId)).to.have.members(['new', 'other'])
  })

  it('keeps a message that it cannot read, sealed, and removes it, because it would come for ever', async () => {
    await run()
    const id = amazon.queue.send('{"name":"no notification of Sample Person"}')
    expect(await amazon.queue.removed(id, LONG)).to.equal(true)
    const event = single(ofType(await its.events(), 'NotificationReceived'))
    expect(event.data).to.include({ channel: 3, topic: 'UNREADABLE', notificationId: `sqs:${id}`, sellerId: null })
    expect(JSON.stringify(event)).not.to.contain('Sample Person')
    const [opened] = await its.vault.open([{ subject: event.data.subject, eventId: event.id, jwe: event.data.sealed ?? '' }])
    expect(opened).to.include({ kind: 'opened', plaintext: '{"name":"no notification of Sample Person"}' })
  })

  it('leaves in the queue what it cannot keep, says so in health, and keeps it when the database is back', async () => {
    await run()
    its.relay.cut()
    const id = amazon.queue.send(amazon.orderChange(addOrder()))
    await until('health tells of the queue', async () => /queue of Amazon/.test((await health()).reason ?? ''))
    expect(amazon.queue.size).to.equal(1)
    its.relay.heal()
    amazon.queue.release()
    expect(await amazon.queue.removed(id, LONG)).to.equal(true)
    expect(await notified()).to.have.length(1)
  })

  it('keeps once what could not be removed, and came again', async () => {
    await run()
    amazon.fail({ operation: 'delete', kind: 'code', code: 'com.amazonaws.sqs#InternalError', status: 500 })
    const id = amazon.queue.send(amazon.orderChange(addOrder()))
    await until('the removal failed', async () => /DeleteMessageBatch/.test((await health()).reason ?? ''))
    amazon.queue.release()
    expect(await amazon.queue.removed(id, LONG)).to.equal(true)
    expect(await notified()).to.have.length(1)
  })

  it('goes on after a queue that did not answer, and tells a person of credentials that AWS does not know', async () => {
    amazon.fail({ operation: 'receive', kind: 'status', status: 503 })
    await run()
    expect(await amazon.queue.removed(amazon.queue.send(amazon.orderChange(addOrder())), LONG)).to.equal(true)
    await run({ accessKeyId: 'AKIASOMEBODYELSE0000' })
    await until('health tells of the credentials', async () => /qifu\.eg\.amazon\.queue/.test((await health()).reason ?? ''))
  })

  it('stops at once while it waits at an empty queue', async () => {
    await run({ wait: 20 })
    await until('the queue is asked', async () => amazon.calls.includes('receive'))
    const started = performance.now()
    await its.restart()
    expect(performance.now() - started).to.be.below(15_000)
  })

  it('confirms a subscription at SNS, and keeps nothing of it: its token opens a door', async () => {
    await run()
    const question = amazon.topic.confirmation()
    const answer = await fetch(`${its.server.url}/open/order/callback/3`, { method: 'POST', body: JSON.stringify(question) })
    expect([answer.status, await answer.text()]).to.deep.equal([200, ''])
    expect(amazon.topic.confirmed).to.deep.equal([question.Token])
    expect(await its.events()).to.deep.equal([])
    expect(await amazon.post({ ...question, TopicArn: 'arn:aws:sns:eu-west-1:999999999999:another' })).to.equal(403)
  })

  describe('of a consent', () => {
    let app: number
    beforeEach(async () => {
      await run()
      app = await addApp(its.database, { channel: 3, name: 'shop', ...amazon.app, scopes: [] })
    })

    const begin = (query: URLSearchParams) => {
      query.set('app', String(app))
      return fetch(`${its.server.url}/open/order/oauth/authorize/3?${query}`, { redirect: 'manual' })
    }
    /** Comes back with the seller's id, also when another account consented. */
    const finish = async (start: Response, { as = sellerId } = {}) => {
      const cookie = start.headers
        .getSetCookie()
        .map((line) => line.split(';', 1)[0])
        .join('; ')
      const back = new URL(await amazon.consent(start.headers.get('location') ?? '', as))
      back.searchParams.set('selling_partner_id', sellerId)
      return await fetch(back, { headers: { cookie } })
    }

    it('keeps the grant, whether the seller began at our link or in the appstore', async () => {
      for (const query of [new URLSearchParams(), amazon.appstoreQuery(sellerId)]) {
        const back = await finish(await begin(query))
        expect(back.status, await back.text()).to.equal(200)
      }
      const events = ofType(await its.events(), 'SellerAuthorized')
      expect(events.map(({ data }) => [data.channel, data.sellerId, data.region])).to.deep.equal([
        [3, sellerId, 'eu'],
        [3, sellerId, 'eu'],
      ])
    })

    describe('for a seller that is known', () => {
      /** The seller's row, as the projection would keep it, and the latest of its orders. */
      async function isKnown(orderId?: string): Promise<void> {
        await its.database.query('DELETE FROM eg_order_app_seller')
        const { insertId } = await its.database.query<{ insertId: number }>(
          "INSERT INTO eg_order_app_seller (channel, seller_id, order_app_id, refresh_token, create_time) VALUES (3, ?, ?, '', 0)",
          [sellerId, app],
        )
        if (orderId !== undefined)
          await its.database.query(
            'INSERT INTO eg_order_order (channel, order_app_seller_id, order_id, create_time) VALUES (3, ?, ?, 0)',
            [String(insertId), orderId],
          )
      }
      const authorized = async () => ofType(await its.events(), 'SellerAuthorized')
      const parked = () => listParkedConsents({ database: its.database, vault: its.vault })

      it('takes its place when it reads an order of the seller', async () => {
        await isKnown(addOrder())
        expect((await finish(await begin(new URLSearchParams()))).status).to.equal(200)
        expect(single(await authorized()).data.sellerId).to.equal(sellerId)
      })

      it('waits for an operator when another account comes back with the id of the seller', async () => {
        await isKnown(addOrder())
        const other = amazon.addSeller().sellerId
        const page = await finish(await begin(new URLSearchParams()), { as: other })
        expect(page.status).to.equal(202)
        expect(await page.text()).to.contain('whose consent this is')
        expect(await authorized()).to.deep.equal([])
        expect(await parked()).to.have.nested.property('[0].reason', 'unproved')
        expect((await health()).reason).to.contain('1 consents wait for an operator')
      })

      it('waits for an operator, and counts at his word, when no order proves it or Amazon does not answer', async () => {
        await isKnown()
        expect((await finish(await begin(new URLSearchParams()))).status).to.equal(202)
        await isKnown(addOrder())
        amazon.fail({ operation: 'order', kind: 'status', status: 503 })
        expect((await finish(await begin(new URLSearchParams()))).status).to.equal(202)
        const consents = await parked()
        expect(consents.map(({ reason }) => reason)).to.deep.equal(['unproved', 'unproved'])
        const context = { database: its.database, vault: its.vault, log: its.log, rowIds: createRowIds({ worker: 3 }) }
        await confirmParkedConsent(context, consents[0]?.id ?? '', null)
        expect(single(await authorized()).data).to.include({ sellerId, spiServerCodes: null })
      })
    })

    it('sends no browser to a callback that is none of Amazon', async () => {
      const query = new URLSearchParams({
        amazon_callback_uri: 'https://evil.example/apps/authorize/confirm/a',
        amazon_state: 'x',
      })
      const answer = await begin(query)
      expect(answer.status).to.equal(400)
      expect(await answer.text()).to.include('does not lead back to the marketplace')
    })
  })
})
