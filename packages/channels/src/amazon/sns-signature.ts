import { type KeyObject, verify } from 'node:crypto'

/** What SNS posts to a webhook ("HTTP/HTTPS notification JSON format"). Other members are neither signed nor read. */
export type SnsMessage = {
  Type: 'Notification' | 'SubscriptionConfirmation' | 'UnsubscribeConfirmation'
  MessageId: string
  TopicArn: string
  Message: string
  Timestamp: string
  SignatureVersion: string
  Signature: string
  SigningCertURL: string
  Subject?: string
  SubscribeURL?: string
  Token?: string
}

const OF_NOTIFICATION = ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'] as const
const OF_CONFIRMATION = ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'] as const

const ALGORITHMS: Readonly<Record<string, string>> = { '1': 'RSA-SHA1', '2': 'RSA-SHA256' }

/** The text that is signed: name and value, a line each, of the members of this type that are there ("Verifying the signatures of SNS messages"). */
export function signedText(message: SnsMessage): string {
  const names = message.Type === 'Notification' ? OF_NOTIFICATION : OF_CONFIRMATION
  return names
    .flatMap((name) => {
      const value = message[name]
      return value === undefined ? [] : [`${name}\n${value}\n`]
    })
    .join('')
}

/** Whether the message is signed with this key, in one of the two versions there are. */
export function isSigned(message: SnsMessage, key: KeyObject): boolean {
  const algorithm = Object.hasOwn(ALGORITHMS, message.SignatureVersion) ? ALGORITHMS[message.SignatureVersion] : undefined
  if (algorithm === undefined || key.asymmetricKeyType !== 'rsa') return false
  return verify(algorithm, Buffer.from(signedText(message)), key, Buffer.from(message.Signature, 'base64'))
}
