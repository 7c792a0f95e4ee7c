import { asLogError as asDatabaseLogError } from '../mysql/failure.ts'
import { EventLogError } from '../port.ts'

type KafkaError = Error & { type?: string; retriable?: boolean; code?: string; cause?: unknown; errors?: readonly unknown[] }

const TOO_LARGE: ReadonlySet<string> = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'])
const REFUSED: ReadonlySet<string> = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'SASL_AUTHENTICATION_FAILED',
])
const UNSUPPORTED = /mechanism is not supported by the server/
/** For kafkajs every failure in the middle of an authentication is a refusal; these are connections that broke. */
const BROKEN = /closed|timed out|timeout|connection error|connection lost|not connected/i

/** What Node and OpenSSL say when a certificate or the TLS of the other side does not suit. */
const TLS_ADVICE: readonly [code: RegExp, advice: string][] = [
  [
    /SELF_SIGNED_CERT|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|CERT_UNTRUSTED/,
    'Nobody whom we trust vouches for the certificate of a broker: name the file of its authority as ca.',
  ],
  [
    /ALTNAME_INVALID/,
    'The certificate of a broker is for another host: address the brokers, and let them advertise themselves, by the names that it holds.',
  ],
  [/CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/, 'The certificate of a broker has expired, or begins later.'],
  [
    /ALERT|HANDSHAKE_FAILURE/,
    'The brokers refuse our TLS: they ask for a certificate of ours (cert and key), or do not trust the one that they got.',
  ],
  [/ERR_SSL|before secure TLS connection/, 'The brokers speak no TLS at this port, or none that we do.'],
]

type Trouble = { advice: string; retriable: boolean }

/** What a caller of the log sees of an error of kafkajs, whose name begins with KafkaJS, or of the database. Others pass as they are. */
export function asLogError(thrown: unknown, doing: string): unknown {
  if (!(thrown instanceof Error)) return thrown
  // What is said of a token (oauth-bearer.ts).
  if (thrown.cause instanceof EventLogError) return thrown.cause
  if (!thrown.name.startsWith('KafkaJS')) return asDatabaseLogError(thrown, doing)
  const root = rootOf(thrown)
  const type = root.type ?? ''
  if (TOO_LARGE.has(type))
    return new EventLogError(
      'LOG_EVENT_TOO_LARGE',
      `The log could not ${doing}: the brokers take no message so large. Raise max.message.bytes of the topic.`,
      { retriable: false, cause: thrown },
    )
  const { advice, retriable } = troubleOf(root)
  return new EventLogError(
    'LOG_UNAVAILABLE',
    `The log could not ${doing}. ${advice} (${root.name}${type ? ` ${type}` : ''}: ${root.message})`,
    { retriable, cause: thrown },
  )
}

/** Brokers come back, and whoever keeps their certificates mends them without us; a user that is refused stays so. */
function troubleOf({ name, type, code = '', message }: KafkaError): Trouble {
  const isOfUser = name === 'KafkaJSSASLAuthenticationError'
  if (isOfUser && UNSUPPORTED.test(message))
    return { advice: 'The brokers do not know this mechanism at this port.', retriable: false }
  if (REFUSED.has(type ?? '') || (isOfUser && !BROKEN.test(message)))
    return { advice: 'The brokers refuse this user or its access to the topic.', retriable: false }
  const [, advice] = TLS_ADVICE.find(([pattern]) => pattern.test(`${code} ${message}`)) ?? []
  return { advice: advice ?? 'Do the brokers answer, and is the address right?', retriable: true }
}

/** kafkajs wraps what went wrong in what it did about it, or with what else went wrong. */
export function rootOf(error: Error): KafkaError {
  let root = error as KafkaError
  for (;;) {
    const inner = root.errors?.[0] ?? root.cause
    if (!(inner instanceof Error) || !inner.name.startsWith('KafkaJS')) return root
    root = inner as KafkaError
  }
}
