import { createHmac } from 'node:crypto'
import { createAmazon } from '@tributary/channels/amazon'
import { createLazada } from '@tributary/channels/lazada'
import { createTiktok } from '@tributary/channels/tiktok'
import { type AmazonSimulator, createAmazonMarketplace } from '@tributary/test/simulators/amazon'
import { createLazadaMarketplace, type LazadaSimulator } from '@tributary/test/simulators/lazada'
import { createTiktokMarketplace, type TiktokSimulator } from '@tributary/test/simulators/tiktok'
import { expect } from 'chai'
import { type IngestUnderTest, prepareIngest } from './testing/ingest-under-test.ts'

const DEEP = 12_000
/** What no marketplace sends, as JSON text. */
const STRANGE: Readonly<Record<string, string>> = {
  'deep lists': `${'['.repeat(DEEP)}${']'.repeat(DEEP)}`,
  'deep objects': `${'{"a":'.repeat(DEEP)}1${'}'.repeat(DEEP)}`,
  'deep lists beside a long number': `[9007199254740993,${'['.repeat(DEEP)}${']'.repeat(DEEP)}]`,
  'a number beyond all': '1e999',
  'a number of 400 digits': '9'.repeat(400),
  'the largest whole number': '9007199254740991',
  'a number of 20 digits': '12345678901234567890',
  'half a surrogate pair': '"a\\ud800b"',
  'a control character': '"a\\u0000b"',
  'a long text': `"${'x'.repeat(60_000)}"`,
  'a far time': '"+275760-09-13T00:00:00.000Z"',
  'a prototype': '{"__proto__":{"toString":1},"constructor":7}',
  ...{ 'a negative number': '-1', null: 'null', 'an empty text': '""', 'an empty list': '[]' },
}

/** Notifications with a place for each strange value: `$`. Members that stand twice, too, of which the last counts. */
const EBAY = [
  '{"metadata":{"topic":$},"notification":{"notificationId":"n","data":{}}}',
  '{"metadata":{"topic":"T"},"notification":{"notificationId":$,"data":{}}}',
  '{"metadata":{"topic":"T"},"notification":{"notificationId":"n","eventDate":$,"data":{"userId":"u"}}}',
  '{"metadata":{"topic":"T"},"notification":{"notificationId":"n","data":$}}',
  '{"metadata":{"topic":"ORDER_CONFIRMATION"},"notification":{"notificationId":"n","data":{"user":{"userId":$},"order":{"orderId":"1"}}}}',
  '{"metadata":{"topic":"ORDER_CONFIRMATION"},"notification":{"notificationId":"n","data":{"user":{"userId":"u"},"order":{"orderId":$}}}}',
  '{"metadata":{"topic":"AUTHORIZATION_REVOCATION"},"notification":{"notificationId":"n","data":{"userId":$}}}',
  '{"metadata":{"topic":"MARKETPLACE_ACCOUNT_DELETION"},"notification":{"notificationId":"n","data":{"userId":"u","username":$}}}',
  '{"metadata":{"topic":"T"},"metadata":{"topic":"U","x":$},"notification":{"notificationId":"n","data":{},"data":{"x":1}}}',
  '$',
]
const TIKTOK = [
  '{"type":$,"tts_notification_id":"n","shop_id":"7","timestamp":1,"data":{}}',
  '{"type":1,"tts_notification_id":$,"shop_id":"7","timestamp":1,"data":{"order_id":"1"}}',
  '{"type":1,"tts_notification_id":"n","shop_id":$,"timestamp":1,"data":{"order_id":"1"}}',
  '{"type":1,"tts_notification_id":"n","shop_id":"7","timestamp":$,"data":{"order_id":"1"}}',
  '{"type":99,"tts_notification_id":"n","shop_id":"7","timestamp":$,"data":{}}',
  '{"type":1,"tts_notification_id":"n","shop_id":"7","timestamp":1,"data":$}',
  '{"type":1,"tts_notification_id":"n","shop_id":"7","timestamp":1,"data":{"order_id":$}}',
  '{"type":4,"tts_notification_id":"n","shop_id":"7","timestamp":1,"data":{"package_list":[{"order_id_list":$},$]}}',
  '{"type":6,"type":6,"tts_notification_id":"n","shop_id":$,"timestamp":1,"data":{}}',
  '$',
]
const LAZADA = [
  '{"seller_id":$,"message_type":0,"data":{"trade_order_id":"1"},"timestamp":1,"site":"s"}',
  '{"seller_id":"1","message_type":$,"data":{"trade_order_id":"1"},"timestamp":1,"site":"s"}',
  '{"seller_id":"1","message_type":0,"data":$,"timestamp":1,"site":"s"}',
  '{"seller_id":"1","message_type":0,"data":{"trade_order_id":$},"timestamp":1,"site":"s"}',
  '{"seller_id":"1","message_type":0,"data":{"trade_order_id":"1"},"timestamp":$,"site":"s"}',
  '{"seller_id":"1","message_type":8,"data":{"seller_id":$},"data":{"seller_id":$},"timestamp":1,"site":$}',
  '$',
]
const AMAZON = [
  '{"NotificationType":$,"NotificationMetadata":{"NotificationId":"n"}}',
  '{"NotificationType":"ORDER_CHANGE","EventTime":$,"NotificationMetadata":{"NotificationId":$}}',
  '{"NotificationType":"ORDER_CHANGE","Payload":{"OrderChangeNotification":{"SellerId":$,"AmazonOrderId":"1"}}}',
  '{"NotificationType":"ORDER_CHANGE","Payload":{"OrderChangeNotification":{"SellerId":"s","AmazonOrderId":$}}}',
  '{"NotificationType":"ORDER_CHANGE","Payload":$,"Payload":$}',
  '$',
]

describe('bodies that nobody should send', () => {
  let its: IngestUnderTest
  let amazon: AmazonSimulator
  let lazada: LazadaSimulator
  let tiktok: TiktokSimulator
  before(async () => {
    its = await prepareIngest()
    await its.reset()
    ;[amazon, lazada, tiktok] = await Promise.all([
      createAmazonMarketplace({ seed: 7 }),
      createLazadaMarketplace({ seed: 7 }),
      createTiktokMarketplace({ seed: 7 }),
    ])
    const budget = { take: async () => {} }
    await its.restart({}, [
      createTiktok({ urls: tiktok.urls, apps: async () => [{ id: 2, channel: 2, name: 'T', ...tiktok.app }], budget }),
      createAmazon({ urls: amazon.urls, topics: [amazon.topic.arn], snsOrigin: amazon.origin, budget }),
      createLazada({ urls: lazada.urls, apps: async () => [{ id: 4, channel: 4, name: 'L', ...lazada.app }], budget }),
    ])
    // The key of eBay and the certificate of SNS are known from here on.
    await its.ebay.notifications.sendBody(its.callback, Buffer.from('{}'))
  })
  after(async () => {
    await its.close()
    await Promise.all([amazon.close(), lazada.close(), tiktok.close()])
  })

  async function post(channel: number, body: Buffer, headers: Record<string, string> = {}): Promise<string> {
    const url = its.callback.replace(/1$/, String(channel))
    const answer = await fetch(url, { method: 'POST', body: new Uint8Array(body), headers })
    const text = await answer.text()
    return text === '' ? String(answer.status) : `${answer.status} ${JSON.parse(text).code}`
  }

  /** What is kept for whoever looks, or refused as the sender's. */
  const KEPT_OR_REFUSED = /^(?:20[04]|40[0-9] |412 )/
  const senders: Readonly<Record<string, [readonly string[], (body: Buffer, isSigned: boolean) => Promise<string>]>> = {
    eBay: [
      EBAY,
      (body, isSigned) => {
        const header = its.ebay.keys.header(isSigned ? body : Buffer.from('another'), its.ebay.keys.current)
        return post(1, body, { 'x-ebay-signature': header })
      },
    ],
    'TikTok Shop': [TIKTOK, (body, isSigned) => post(2, body, { authorization: signature(tiktok.app, body, isSigned) })],
    Amazon: [
      AMAZON,
      (body, isSigned) => {
        const message = amazon.topic.message({ Message: body.toString() })
        return post(3, Buffer.from(JSON.stringify(isSigned ? message : { ...message, MessageId: 'another' })))
      },
    ],
    Lazada: [LAZADA, (body, isSigned) => post(4, body, { authorization: signature(lazada.app, body, isSigned) })],
  }

  /** Whoever is told to send again does: Lazada has to be answered within 400 ms, which a slow machine may miss once. */
  async function asSendersDo(send: () => Promise<string>): Promise<string> {
    let answer = await send()
    for (let again = 0; again < 5 && answer.startsWith('503'); again += 1) answer = await send()
    return answer
  }

  const isRight = (answer: string, isSigned: boolean) => (isSigned ? KEPT_OR_REFUSED : /^4/).test(answer)

  for (const [name, [templates, send]] of Object.entries(senders))
    it(`from ${name} are kept or refused, and never a failure of ours`, async function () {
      this.timeout(60_000)
      const failed: string[] = []
      for (const { what, body, isSigned } of bodiesOf(templates)) {
        const answer = await asSendersDo(() => send(body, isSigned))
        if (!isRight(answer, isSigned)) failed.push(`${what}, ${isSigned ? 'signed' : 'not signed'}: ${answer}`)
      }
      expect(failed).to.deep.equal([])
    })
})

/** Each strange value in each place, and a text that is no UTF-8; signed and not. */
function bodiesOf(templates: readonly string[]): { what: string; body: Buffer; isSigned: boolean }[] {
  const bodies = templates.flatMap((template) =>
    Object.entries(STRANGE).map(([what, value]) => ({
      what: `${template}: ${what}`,
      body: Buffer.from(template.replaceAll('$', () => value)),
    })),
  )
  const [first = ''] = templates
  const bytes = Buffer.from(first.replace('$', '"~"'))
  bytes[bytes.indexOf('~')] = 0xff
  const all = [...bodies, { what: 'no UTF-8', body: bytes }]
  return all.flatMap((one) => [true, false].map((isSigned) => ({ ...one, isSigned })))
}

function signature(
  { clientId, clientSecret }: { clientId: string; clientSecret: string },
  body: Buffer,
  isSigned: boolean,
): string {
  const hmac = createHmac('sha256', clientSecret).update(clientId).update(body)
  return isSigned ? hmac.digest('hex') : hmac.update('another').digest('hex')
}
