import { hash } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { orderKey, sellerKey } from '@tributary/events'
import { expect } from 'chai'
import { eventsOf } from './kept-events.ts'
import { ofType, orderMessageOf, single } from './testing/events.ts'
import { type IngestUnderTest, prepareIngest } from './testing/ingest-under-test.ts'

describe('taking in notifications of eBay', () => {
  let its: IngestUnderTest
  before(async () => {
    its = await prepareIngest()
  })
  after(() => its.close())
  beforeEach(() => its.reset())

  const orderMessage = () => orderMessageOf(its)

  describe('that are signed', () => {
    it('keeps the hint that an order changed, and answers 204', async () => {
      const { seller, message } = orderMessage()
      expect(await its.ebay.notifications.send(its.callback, message)).to.deep.equal([204])
      const event = single(ofType(await its.events(), 'OrderNotified'))
      const orderId = event.data.orderId
      expect(its.ebay.market.orders.has(orderId)).to.equal(true)
      expect(event.partitionkey).to.equal(orderKey(1, seller.userId, orderId))
      expect(event.data).to.deep.equal({
        channel: 1,
        sellerId: seller.userId,
        orderId,
        topic: 'ORDER_CONFIRMATION',
        notificationId: message.notification.notificationId,
        notifiedTime: Date.parse(message.notification.eventDate),
      })
    })

    it('keeps a notification once, however often and however much at once it comes', async () => {
      const { message } = orderMessage()
      const { send } = its.ebay.notifications
      const statuses = await Promise.all(Array.from({ length: 20 }, () => send(its.callback, message, { copies: 3 })))
      expect(new Set(statuses.flat())).to.deep.equal(new Set([204]))
      expect(await its.events()).to.have.length(1)
    })

    it('keeps a notification that is signed over its compact JSON but sent with spaces', async () => {
      const { message } = orderMessage()
      const header = its.ebay.keys.header(Buffer.from(JSON.stringify(message)), its.ebay.keys.current)
      const body = JSON.stringify(message, null, 2)
      const answer = await fetch(its.callback, { method: 'POST', body, headers: { 'X-EBAY-SIGNATURE': header } })
      expect(answer.status).to.equal(204)
    })

    it('keeps a hint for each order that one notification names', async () => {
      const time = Date.now()
      const head = { kind: 'order', notificationId: 'n-1', topic: 'X', time, sellerId: 'SYNuser1' } as const
      const events = await eventsOf(
        { time, channel: 1, notification: { ...head, orderIds: ['12-1', '12-2'] }, body: Buffer.from('{}') },
        its.vault,
      )
      expect(ofType(events, 'OrderNotified').map(({ data }) => data.orderId)).to.deep.equal(['12-1', '12-2'])
      expect(new Set(events.map(({ id }) => id))).to.have.property('size', 2)
    })

    it('keeps a topic that it does not know, sealed, and answers 204', async () => {
      const message = its.ebay.notifications.message('FEEDBACK_LEFT', {
        user: { userId: 'SYNuser9', username: 'name-9' },
        stars: 5,
      })
      expect(await its.ebay.notifications.send(its.callback, message)).to.deep.equal([204])
      const event = single(ofType(await its.events(), 'NotificationReceived'))
      expect(event.data).to.include({ topic: 'FEEDBACK_LEFT', sellerId: 'SYNuser9' })
      expect(JSON.stringify(event)).not.to.contain('name-9')
      const [opened] = await its.vault.open([{ subject: event.data.subject, eventId: event.id, jwe: event.data.sealed ?? '' }])
      expect(opened).to.deep.equal({ kind: 'opened', plaintext: JSON.stringify(message) })
    })

    it('keeps a revoked grant under the key of its seller', async () => {
      const seller = its.ebay.market.addSeller()
      const message = its.ebay.notifications.authorizationRevocation(seller.userId)
      expect(await its.ebay.notifications.send(its.callback, message)).to.deep.equal([204])
      const event = single(ofType(await its.events(), 'NotificationReceived'))
      expect(event.partitionkey).to.equal(sellerKey(1, seller.userId))
      expect(event.data).to.include({ topic: 'AUTHORIZATION_REVOCATION', sellerId: seller.userId })
    })

    it('keeps ids that no event can carry inside the sealed body', async () => {
      for (const orderId of ['1'.repeat(300), 'with\u0000control', 'half\ud800pair']) {
        const message = its.ebay.notifications.message('ORDER_CONFIRMATION', {
          user: { userId: 'SYNuser1', username: 'x' },
          order: { orderId },
        })
        expect(await its.ebay.notifications.send(its.callback, message)).to.deep.equal([204])
      }
      const long = its.ebay.notifications.message('AUTHORIZATION_REVOCATION', { userId: '漢'.repeat(100), username: 'x' })
      expect(await its.ebay.notifications.send(its.callback, long)).to.deep.equal([204])
      const events = await its.events()
      expect(ofType(events, 'NotificationReceived').map(({ data }) => data.sellerId)).to.deep.equal([null, null, null, null])
      expect(events).to.have.length(4)
    })

    it('writes no name, id of a notification’s body or signature into the log lines', async () => {
      const { message, seller } = orderMessage()
      await its.ebay.notifications.send(its.callback, message)
      await its.ebay.notifications.send(
        its.callback,
        its.ebay.notifications.accountDeletion({ username: 'hidden-1', userId: 'hidden-2' }),
      )
      expect(its.lines.join('')).not.to.match(/hidden-\d/)
      expect(its.lines.join('')).not.to.contain(seller.username)
    })
  })

  describe('that must be refused', () => {
    const nothingKept = async () => {
      expect(await its.events()).to.deep.equal([])
      expect(await its.database.query('SELECT * FROM tributary_subject_key')).to.deep.equal([])
    }

    for (const signature of ['wrong', 'missing', 'stale'] as const) {
      it(`answers 412 to a ${signature} signature and keeps nothing`, async () => {
        const { message } = orderMessage()
        expect(await its.ebay.notifications.send(its.callback, message, { signature })).to.deep.equal([412])
        await nothingKept()
      })
    }

    it('answers 412 to headers that are no signature, without asking eBay for a key', async () => {
      const headers = [
        '',
        'x',
        'e30=',
        Buffer.from('{"kid":1,"signature":2}').toString('base64'),
        Buffer.from('null').toString('base64'),
      ]
      for (const header of headers) {
        const answer = await fetch(its.callback, { method: 'POST', body: '{}', headers: { 'X-EBAY-SIGNATURE': header } })
        expect(answer.status, header).to.equal(412)
      }
      expect(its.ebay.count('getPublicKey')).to.equal(0)
      await nothingKept()
    })

    it('asks eBay once for any number of keys that nobody knows', async () => {
      const answers = Array.from({ length: 30 }, async (_, index) => {
        const kid = `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`
        const header = Buffer.from(JSON.stringify({ alg: 'ecdsa', kid, signature: 'MEUCIQ==', digest: 'SHA1' })).toString(
          'base64',
        )
        return (await fetch(its.callback, { method: 'POST', body: '{}', headers: { 'X-EBAY-SIGNATURE': header } })).status
      })
      for (const status of await Promise.all(answers)) expect(status).to.be.oneOf([412, 503])
      expect(its.ebay.count('getPublicKey')).to.equal(1)
      await nothingKept()
    })

    it('answers 400 to what is no JSON and to what is no envelope', async () => {
      for (const body of ['{', '', 'null', '[]', '{"metadata":{"topic":"X"}}']) {
        expect(await its.ebay.notifications.sendBody(its.callback, Buffer.from(body)), body).to.equal(400)
      }
      await nothingKept()
    })

    it('answers 413 to a body over 256 KB, though it is signed', async () => {
      const message = its.ebay.notifications.message('X', { text: 'x'.repeat(256 * 1024) })
      expect(await its.ebay.notifications.send(its.callback, message)).to.deep.equal([413])
      await nothingKept()
    })

    it('keeps nothing of a body that breaks off', async () => {
      const { message } = orderMessage()
      const body = Buffer.from(JSON.stringify(message))
      const header = its.ebay.keys.header(body, its.ebay.keys.current)
      const socket = connect(Number(new URL(its.server.url).port), '127.0.0.1')
      socket.write(
        `POST /open/order/callback/1 HTTP/1.1\r\nHost: x\r\nX-EBAY-SIGNATURE: ${header}\r\nContent-Length: ${body.length}\r\n\r\n`,
      )
      socket.end(body.subarray(0, body.length - 1))
      await once(socket.resume(), 'close')
      await nothingKept()
    })

    it('answers 405 to other methods and 404 to other channels', async () => {
      const put = await fetch(its.callback, { method: 'PUT', body: '{}' })
      expect(put.status).to.equal(405)
      expect(put.headers.get('allow')).to.equal('GET, HEAD, POST')
      for (const channel of ['2', '01', '1x', '0', '-1', '1.0', '%31%00']) {
        const answer = await fetch(`${its.server.url}/open/order/callback/${channel}`, { method: 'POST', body: '{}' })
        expect(answer.status, channel).to.equal(404)
      }
    })
  })

  describe('and a challenge', () => {
    it('is answered as eBay computes it', async () => {
      for (const code of ['a8628072-3d33-45ee-9004-bee86830a22d', '0123456789abcdef'.repeat(4), 'ü &=']) {
        const answer = await fetch(`${its.callback}?challenge_code=${encodeURIComponent(code)}`)
        expect(answer.status).to.equal(200)
        expect(answer.headers.get('content-type')).to.match(/^application\/json/)
        const challengeResponse = hash('sha256', code + its.challenge.token + its.challenge.endpoint, 'hex')
        expect(await answer.json()).to.deep.equal({ challengeResponse })
      }
    })

    it('is refused without a code', async () => {
      for (const query of ['', '?', '?challenge_code=', '?other=1', `?challenge_code=${'x'.repeat(300)}`]) {
        expect((await fetch(`${its.callback}${query}`)).status, query).to.equal(400)
      }
    })
  })
})
