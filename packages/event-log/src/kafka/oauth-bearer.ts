import type { Mechanism } from 'kafkajs'
import { EventLogError } from '../port.ts'

const SEPARATOR = '\u0001'
const LONGEST_REFUSAL = 200

/**
 * SASL OAUTHBEARER (RFC 7628), with the token that `readToken` gives at each authentication. kafkajs's own takes the answer in
 * which a broker refuses a token for a yes, and then knows of nothing but a connection that was closed.
 */
export function oauthBearer(readToken: () => string): Mechanism {
  return {
    mechanism: 'oauthbearer',
    authenticationProvider: ({ saslAuthenticate }) => ({
      authenticate: () =>
        withoutTries(async () => {
          const say = (text: string) => saslAuthenticate({ request: bytes(text), response: TEXT })
          const refusal = await say(`n,,${SEPARATOR}auth=Bearer ${readToken()}${SEPARATOR}${SEPARATOR}`).catch(refusalOf)
          if (!refusal) return
          // Section 3.2.3: a refused client says this much. What comes of it is a connection that the broker closes.
          await say(SEPARATOR).catch(() => undefined)
          // Whoever renews the token may only be late.
          throw new EventLogError(
            'LOG_UNAVAILABLE',
            `The brokers refuse the token: it has expired, or is not meant for them. (${refusal.slice(0, LONGEST_REFUSAL)})`,
            { retriable: true },
          )
        }),
    }),
  }
}

/** kafkajs would try again in the middle of a call what our own errors say may be tried again; that is for the caller. */
async function withoutTries(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof EventLogError)) throw error
    throw Object.assign(new Error(error.message, { cause: error }), { retriable: false })
  }
}

/** What is no token at all is refused by an error; all others are none of a token. */
function refusalOf(error: Error & { type?: string }): string {
  if (error.type === 'SASL_AUTHENTICATION_FAILED') return error.message
  throw error
}

/** Kafka's BYTES: their number in four bytes, then they. */
const bytes = (text: string) => ({
  encode() {
    const content = Buffer.from(text)
    const length = Buffer.alloc(4)
    length.writeInt32BE(content.length)
    return Buffer.concat([length, content])
  },
})

const TEXT = {
  decode: (data: Buffer) => data.subarray(4),
  parse: (data: Buffer) => data.toString('utf8'),
}
