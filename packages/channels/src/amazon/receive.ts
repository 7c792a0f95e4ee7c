import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { type Send, SMALL_ANSWER } from '../http.ts'
import { type Channel, ChannelError, type Reception } from '../port.ts'
import { parseIfJson } from '../reading/json-text.ts'
import { readNotification, unreadableNotification } from './notification.ts'
import { createCertificates } from './sns-certificates.ts'
import { isSigned, type SnsMessage } from './sns-signature.ts'

const Text = Type.String({ minLength: 1, maxLength: 2_048 })
/** Compiled: to walk through the schema had been a fifth of what a notification costs. */
const messageSchema = Compile(
  Type.Object({
    Type: Type.Union([
      Type.Literal('Notification'),
      Type.Literal('SubscriptionConfirmation'),
      Type.Literal('UnsubscribeConfirmation'),
    ]),
    MessageId: Type.String({ minLength: 1, maxLength: 200 }),
    TopicArn: Text,
    Message: Type.String(),
    Timestamp: Text,
    SignatureVersion: Text,
    Signature: Text,
    SigningCertURL: Text,
    Subject: Type.Optional(Type.String()),
    SubscribeURL: Type.Optional(Text),
    Token: Type.Optional(Text),
  }),
)

/** SNS tries a delivery again for an hour at most; what is older is somebody's recording. Milliseconds. */
const OLDEST = 3_600_000
/** Its clock and ours. */
const AHEAD = 5 * 60_000

type Checked = { message: SnsMessage; certificate: URL }
type Refused = Extract<Reception, { kind: 'refused' | 'unavailable' }>

/**
 * Amazon knows no webhook: a topic of ours at SNS is what posts here (SQS, Lambda, SNS). Every check that costs nothing comes first: shape,
 * topic, age, and that the certificate lies at SNS in the topic's own region; then the signature, and only then is anything done.
 */
export function createReceive(options: {
  send: Send
  topics: readonly string[]
  clock: () => number
  origin: string | undefined
}): Channel['receive'] {
  const { send, topics, clock, origin } = options
  const reach = (url: URL) => (origin === undefined ? url.href : `${origin}${url.pathname}${url.search}`)
  const certificates = createCertificates({ send, clock, reach })

  async function verified({ message, certificate }: Checked, signal: AbortSignal): Promise<Refused | undefined> {
    const outcome = await certificates.find(certificate, signal)
    if (outcome.kind === 'postponed') return unavailable('CERTIFICATE_POSTPONED', 'Too many unseen certificates')
    if (outcome.kind === 'unusable') return refused(403, 'KEY_UNKNOWN', 'There is no certificate at SigningCertURL')
    if (isSigned(message, outcome.key)) return undefined
    return refused(403, 'SIGNATURE_WRONG', 'The signature does not fit the message')
  }

  /** Tells SNS that we want what this topic says; the address was signed, and is SNS's own. */
  async function confirm({ message }: Checked, signal: AbortSignal): Promise<Reception> {
    const url = snsAddress(message.SubscribeURL ?? '', message.TopicArn)
    if (!url) return refused(400, 'SUBSCRIBE_URL_WRONG', "SubscribeURL is no address of SNS in the topic's region")
    const what = 'the confirmation of a subscription at SNS'
    const answer = await send({ what, method: 'GET', url: reach(url), headers: {}, limit: SMALL_ANSWER }, signal)
    if (answer.status === 200) return { kind: 'settled', status: 200, code: 'SUBSCRIPTION_CONFIRMED' }
    return unavailable('SUBSCRIPTION_NOT_CONFIRMED', `SNS answered ${answer.status} to the confirmation`)
  }

  return async ({ body }, signal) => {
    const checked = check(body, topics, clock())
    if ('kind' in checked) return checked
    try {
      const refusal = await verified(checked, signal)
      if (refusal) return refusal
      if (checked.message.Type === 'SubscriptionConfirmation') return await confirm(checked, signal)
      return { kind: 'accepted', notification: notificationOf(checked.message) }
    } catch (error) {
      if (error instanceof ChannelError) return unavailable(error.code, error.message)
      throw error
    }
  }
}

function check(body: Buffer, topics: readonly string[], now: number): Checked | Refused {
  const value = parseIfJson(body.toString('utf8'))
  if (value === undefined) return refused(400, 'BODY_NOT_JSON', 'The body is no JSON')
  if (!isMessage(value)) return refused(400, 'ENVELOPE_MALFORMED', 'The body is no message of SNS')
  const message: SnsMessage = value
  if (topics.length === 0) return unavailable('TOPIC_MISSING', 'No topic is named in the configuration yet')
  if (!topics.includes(message.TopicArn)) return refused(403, 'TOPIC_UNKNOWN', 'The topic is none of those that may post here')
  const age = now - Date.parse(message.Timestamp)
  if (!(age <= OLDEST && age >= -AHEAD))
    return refused(400, 'TIMESTAMP_OLD', 'Timestamp is no time, over an hour old, or in the future')
  const certificate = snsAddress(message.SigningCertURL, message.TopicArn)
  if (!certificate?.pathname.endsWith('.pem') || certificate.search !== '')
    return refused(403, 'CERTIFICATE_ELSEWHERE', "SigningCertURL is no certificate of SNS in the topic's region")
  return { message, certificate }
}

function isMessage(value: unknown): value is SnsMessage {
  return messageSchema.Check(value)
}

/** An https address at the host of SNS in the region of the topic: `arn:aws:sns:<region>:<account>:<name>`. */
function snsAddress(address: string, topicArn: string): URL | undefined {
  const url = URL.parse(address)
  const [, partition, , region] = topicArn.split(':')
  if (url?.protocol !== 'https:' || url.port !== '' || url.username !== '' || url.password !== '') return undefined
  return url.hostname === `sns.${region}.amazonaws.com${partition === 'aws-cn' ? '.cn' : ''}` ? url : undefined
}

/** The notification inside; a message of another kind, or that somebody ended the subscription, is kept as what it is. */
function notificationOf(message: SnsMessage) {
  const time = Date.parse(message.Timestamp)
  if (message.Type === 'Notification')
    return readNotification(message.Message) ?? unreadableNotification(message.MessageId, time)
  return { ...unreadableNotification(message.MessageId, time), topic: 'SNS_UNSUBSCRIBED' }
}

const refused = (status: 400 | 403, code: string, detail: string): Refused => ({ kind: 'refused', status, code, detail })

const unavailable = (code: string, detail: string): Refused => ({
  kind: 'unavailable',
  status: 503,
  code,
  detail: `${detail}. Send it again later`,
})
