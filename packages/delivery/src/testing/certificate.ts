import { generateKeyPairSync, sign } from 'node:crypto'
import { isIPv4 } from 'node:net'

/** A certificate that signs itself, and its key, both PEM. */
export type TestCertificate = { cert: string; key: string }

/**
 * Makes a certificate for an IPv4 address or a name, valid a day on each side of `around` (milliseconds since 1970). Node
 * makes none, a machine need not have OpenSSL, and a key in the repository would be a key in the repository.
 * Source: RFC 5280, with Ed25519 by RFC 8410.
 */
export function testCertificate({ host, around = Date.now() }: { host: string; around?: number }): TestCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const subject = sequence(tlv(0x31, sequence(COMMON_NAME, tlv(0x0c, Buffer.from(host)))))
  const alternative = isIPv4(host) ? tlv(0x87, Buffer.from(host.split('.').map(Number))) : tlv(0x82, Buffer.from(host))
  const extension = sequence(SUBJECT_ALT_NAME, tlv(0x04, sequence(alternative)))
  const content = sequence(
    tlv(0xa0, tlv(0x02, Buffer.from([2]))),
    tlv(0x02, Buffer.from([1])),
    sequence(ED25519),
    subject,
    sequence(time(around - DAY), time(around + DAY)),
    subject,
    publicKey.export({ format: 'der', type: 'spki' }),
    tlv(0xa3, sequence(extension)),
  )
  const signature = tlv(0x03, Buffer.concat([Buffer.from([0]), sign(null, content, privateKey)]))
  const der = sequence(content, sequence(ED25519), signature)
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ format: 'pem', type: 'pkcs8' }) as string,
  }
}

const DAY = 86_400_000
const COMMON_NAME = Buffer.from('0603550403', 'hex')
const SUBJECT_ALT_NAME = Buffer.from('0603551d11', 'hex')
const ED25519 = Buffer.from('06032b6570', 'hex')

function tlv(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const head = length < 128 ? [tag, length] : [tag, 0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from(head), content])
}

const sequence = (...parts: Buffer[]): Buffer => tlv(0x30, ...parts)

/** UTCTime: `YYMMDDHHMMSSZ`. */
const time = (at: number): Buffer =>
  tlv(0x17, Buffer.from(`${new Date(at).toISOString().slice(2, 19).replaceAll(/[-T:]/g, '')}Z`))
