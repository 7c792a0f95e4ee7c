import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import type { Channel } from '../port.ts'
import type { SnsMessage } from './sns-signature.ts'
import { fixtureText, sharedTexts } from './testing/fixtures.ts'
import { createStage, type Stage } from './testing/stage.ts'

const EXAMPLE = fixtureText('order-change.notification.example.json')

describe('A message of SNS with notifications of Amazon', () => {
  let stage: Stage
  let now: number
  beforeEach(async () => {
    now = Date.now()
    stage = await createStage({ clock: () => now })
  })
  afterEach(() => stage.simulator.close())

  const receive = (message: object | string, amazon: Channel = stage.amazon) => {
    const body = Buffer.from(typeof message === 'string' ? message : JSON.stringify(message))
    return amazon.receive({ headers: {}, body }, stage.signal)
  }
  const told = async (text: string, change: Partial<SnsMessage> = {}) => {
    const reception = await receive(stage.simulator.topic.message({ Message: text, ...change }))
    return reception.kind === 'accepted' ? reception.notification : reception
  }
  const fetched = () => stage.simulator.calls.filter((call) => call === 'certificate').length

  it('names the order that changed, in both versions of the signature, with a subject and without', async () => {
    for (const change of [{}, { SignatureVersion: '1' }, { Subject: 'ä subject' }, { SignatureVersion: '1', Subject: 'x' }])
      expect(await told(EXAMPLE, change), JSON.stringify(change)).to.deep.equal({
        kind: 'order',
        topic: 'ORDER_CHANGE',
        notificationId: 'd0e9e693-c3ad-4373-979f-ed4ec98dd746',
        time: Date.parse('2020-01-11T00:09:53.109Z'),
        sellerId: 'A3TH9S8BH6GOGM',
        orderIds: ['903-8868176-2219830'],
      })
    expect(fetched()).to.equal(1)
  })

  it('keeps what it says otherwise: other notifications, and what is none', async () => {
    const other = JSON.stringify({
      NotificationType: 'FEED_PROCESSING_FINISHED',
      NotificationMetadata: { NotificationId: 'n' },
    })
    expect(await told(other)).to.deep.include({ kind: 'other', topic: 'FEED_PROCESSING_FINISHED', notificationId: 'n' })
    const nulls = JSON.stringify({
      NotificationType: 'ORDER_CHANGE',
      Payload: null,
      NotificationMetadata: null,
      EventTime: null,
    })
    expect(await told(nulls)).to.deep.include({ kind: 'other', topic: 'ORDER_CHANGE', time: 0, sellerId: null })
    for (const text of ['no json', '{}', '[]', '7', JSON.stringify({ NotificationType: 'x'.repeat(300) })])
      expect(await told(text, { MessageId: 'm1' }), text).to.deep.include({
        kind: 'other',
        topic: 'UNREADABLE',
        notificationId: 'm1',
        person: { kind: 'notification', id: '3:m1' },
      })
    expect(await told('', { Type: 'UnsubscribeConfirmation', Token: 't', SubscribeURL: 'https://x.example' })).to.deep.include({
      kind: 'other',
      topic: 'SNS_UNSUBSCRIBED',
    })
  })

  it('is refused when anything that is signed was changed, or the signature is of somebody else', async () => {
    const message = stage.simulator.topic.message({ Message: EXAMPLE, Subject: 's' })
    const changes: Partial<SnsMessage>[] = [
      { Message: EXAMPLE.replace('2219830', '2219831') },
      { MessageId: randomUUID() },
      { Subject: 't' },
      { Timestamp: new Date(now - 1_000).toISOString() },
      { Signature: Buffer.alloc(256).toString('base64') },
      { Signature: 'nonsense' },
      { SignatureVersion: '1' },
      { SignatureVersion: '3' },
      { SignatureVersion: 'constructor' },
    ]
    for (const change of changes)
      expect(await receive({ ...message, ...change }), JSON.stringify(change)).to.include({
        status: 403,
        code: 'SIGNATURE_WRONG',
      })
    const { Subject: _, ...less } = message
    expect(await receive(less)).to.include({ status: 403, code: 'SIGNATURE_WRONG' })
    const stranger = await createStage({ clock: () => now })
    expect(await receive(stranger.simulator.topic.message({ Message: EXAMPLE }))).to.include({ code: 'SIGNATURE_WRONG' })
    await stranger.simulator.close()
  })

  it('is verified only with a certificate that lies at SNS in the region of the topic', async () => {
    const path = '/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem'
    for (const SigningCertURL of [
      `https://sns.eu-west-1.amazonaws.com.evil.example${path}`,
      `https://evil.example${path}`,
      `https://sns.us-east-1.amazonaws.com${path}`,
      `https://sns.eu-west-1.amazonaws.com:444${path}`,
      `https://sns.eu-west-1.amazonaws.com@evil.example${path}`,
      `https://user@sns.eu-west-1.amazonaws.com${path}`,
      `http://sns.eu-west-1.amazonaws.com${path}`,
      `https://sns.eu-west-1.amazonaws.com${path}?a=b`,
      'https://sns.eu-west-1.amazonaws.com/certificate',
      'https://snsxeu-west-1.amazonaws.com/a.pem',
      'nonsense',
    ])
      expect(await told(EXAMPLE, { SigningCertURL }), SigningCertURL).to.include({ status: 403, code: 'CERTIFICATE_ELSEWHERE' })
    expect(fetched()).to.equal(0)
  })

  it('asks for a certificate once, and for invented ones hardly ever', async () => {
    const invented = (digit: number) => ({
      SigningCertURL: `https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-${String(digit).repeat(32)}.pem`,
    })
    expect(await told(EXAMPLE, invented(1))).to.include({ status: 403, code: 'KEY_UNKNOWN' })
    expect(await told(EXAMPLE, invented(1))).to.include({ code: 'KEY_UNKNOWN' })
    expect(await told(EXAMPLE, invented(2))).to.include({ status: 503, code: 'CERTIFICATE_POSTPONED' })
    expect(fetched()).to.equal(1)
    now += 10_000
    expect(await told(EXAMPLE)).to.include({ kind: 'order' })
    expect(await told(EXAMPLE)).to.include({ kind: 'order' })
    expect(fetched()).to.equal(2)
    now += 24 * 3_600_000
    // The certificate of the simulator ends after a day: then it counts no more.
    expect(await told(EXAMPLE)).to.include({ status: 403, code: 'KEY_UNKNOWN' })
  })

  it('is asked for again while the certificate cannot be had, and not larger than one may be', async () => {
    await stage.simulator.close()
    stage = await createStage({ clock: () => now, timeout: 1_000 })
    for (const fault of [{ kind: 'status', status: 503 }, { kind: 'half' }, { kind: 'hang' }] as const) {
      stage.simulator.fail({ operation: 'certificate', ...fault })
      expect(await told(EXAMPLE), fault.kind).to.include({ kind: 'unavailable', status: 503 })
      now += 10_000
    }
    expect(await told(EXAMPLE)).to.include({ kind: 'order' })
  })

  it('is refused when it is old, from the future, or of a topic that is not ours, and put off while none is named', async () => {
    const at = (age: number) => ({ Timestamp: new Date(now - age).toISOString() })
    expect(await told(EXAMPLE, at(3_500_000))).to.include({ kind: 'order' })
    for (const change of [at(3_601_000), at(-301_000), { Timestamp: 'soon' }])
      expect(await told(EXAMPLE, change)).to.include({ status: 400, code: 'TIMESTAMP_OLD' })
    const TopicArn = 'arn:aws:sns:eu-west-1:999999999999:order-change'
    expect(await told(EXAMPLE, { TopicArn })).to.include({ status: 403, code: 'TOPIC_UNKNOWN' })
    const message = stage.simulator.topic.message({ Message: EXAMPLE })
    expect(await receive(message, stage.other({ topics: [] }))).to.include({ status: 503, code: 'TOPIC_MISSING' })
  })

  it('is refused with 400 when it is none', async () => {
    const message = stage.simulator.topic.message({ Message: EXAMPLE })
    for (const broken of [
      '',
      'no json',
      '[]',
      'null',
      '{}',
      { ...message, Type: 'Other' },
      { ...message, MessageId: 7 },
      EXAMPLE,
    ])
      expect(await receive(broken)).to.include({ kind: 'refused', status: 400 })
  })

  it('that asks whether we want the topic is answered at SNS, once it is verified, and nowhere else', async () => {
    const { topic } = stage.simulator
    const question = topic.confirmation()
    expect(await receive(question)).to.deep.equal({ kind: 'settled', status: 200, code: 'SUBSCRIPTION_CONFIRMED' })
    expect(topic.confirmed).to.deep.equal([question.Token])
    expect(await receive({ ...question, Token: 'another' })).to.include({ code: 'SIGNATURE_WRONG' })
    for (const SubscribeURL of ['https://evil.example/?Action=ConfirmSubscription', 'http://sns.eu-west-1.amazonaws.com/', 'x'])
      expect(await receive(topic.confirmation({ SubscribeURL }))).to.include({ status: 400, code: 'SUBSCRIBE_URL_WRONG' })
    const TopicArn = 'arn:aws:sns:eu-west-1:999999999999:order-change'
    expect(await receive(topic.confirmation({ TopicArn }))).to.include({ code: 'TOPIC_UNKNOWN' })
    stage.simulator.fail({ operation: 'subscribe', kind: 'status', status: 500 })
    expect(await receive(topic.confirmation())).to.include({ status: 503, code: 'SUBSCRIPTION_NOT_CONFIRMED' })
    expect(topic.confirmed).to.have.length(1)
  })
})

const shared = sharedTexts().get('order-change.notification.example.json')
if (shared !== undefined)
  describe("Amazon's own ORDER_CHANGE beside the project", () => {
    it('is the one that the tests use', () => {
      expect(EXAMPLE).to.equal(shared)
    })
  })
