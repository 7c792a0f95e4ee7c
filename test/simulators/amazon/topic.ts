import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { type SnsMessage, signedText } from '@tributary/channels/amazon'
import { Router } from 'express'
import { run, type World } from './answering.ts'
import { selfSignedCertificate } from './certificate.ts'

export type SimulatedTopic = {
  readonly arn: string
  /** Tokens whose subscription was confirmed. */
  readonly confirmed: readonly string[]
  /** A message as SNS would post it; `change` is made before it is signed. */
  message(change?: Partial<SnsMessage>): SnsMessage
  /** A question whether somebody wants this topic, with the address that says yes. */
  confirmation(change?: Partial<SnsMessage>): SnsMessage
  /** The same message with a signature that fits. */
  signed(message: SnsMessage): SnsMessage
}

const CERTIFICATE_PATH = '/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem'
const HOST = 'https://sns.eu-west-1.amazonaws.com'

/** A topic at SNS with a key and a certificate made now, and the routes behind which SNS keeps them. */
export function createTopic(
  world: Pick<World, 'calls' | 'faults'>,
  clock: () => number,
): { topic: SimulatedTopic; routes: Router } {
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = selfSignedCertificate(keys)
  const arn = 'arn:aws:sns:eu-west-1:123456789012:order-change'
  const confirmed: string[] = []

  function signed(message: SnsMessage): SnsMessage {
    const algorithm = message.SignatureVersion === '1' ? 'RSA-SHA1' : 'RSA-SHA256'
    const signature = sign(algorithm, Buffer.from(signedText(message)), keys.privateKey)
    return { ...message, Signature: signature.toString('base64') }
  }

  const message = (change: Partial<SnsMessage> = {}): SnsMessage =>
    signed({
      Type: 'Notification',
      MessageId: randomUUID(),
      TopicArn: arn,
      Message: '{}',
      Timestamp: new Date(clock()).toISOString(),
      SignatureVersion: '2',
      Signature: '',
      SigningCertURL: `${HOST}${CERTIFICATE_PATH}`,
      ...change,
    })

  const routes = Router()
  routes.get(/^\/SimpleNotificationService-[0-9a-f]{32}\.pem$/, (request, response) => {
    const isOurs = request.path === CERTIFICATE_PATH
    run(world, 'certificate', { request, response }, () => ({ status: isOurs ? 200 : 404, ...(isOurs ? { text: pem } : {}) }))
  })
  routes.get('/', (request, response) =>
    run(world, 'subscribe', { request, response }, () => {
      const { Action, TopicArn, Token } = request.query as Record<string, string>
      if (Action !== 'ConfirmSubscription' || TopicArn !== arn || !Token) return { status: 400 }
      confirmed.push(Token)
      return { status: 200, text: '<ConfirmSubscriptionResponse/>' }
    }),
  )

  const topic: SimulatedTopic = {
    arn,
    confirmed,
    message,
    signed,
    confirmation(change = {}) {
      const token = randomUUID()
      return message({
        Type: 'SubscriptionConfirmation',
        Message: 'You have chosen to subscribe to the topic.',
        Token: token,
        SubscribeURL: `${HOST}/?Action=ConfirmSubscription&TopicArn=${arn}&Token=${token}`,
        ...change,
      })
    },
  }
  return { topic, routes }
}
