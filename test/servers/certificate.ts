import { createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { isIPv4 } from 'node:net'

/** A certificate and its key, both PEM, and the name in it. */
export type TestCertificate = { name: string; cert: string; key: string }

/**
 * Makes a certificate for an IPv4 address or a name, valid a day on each side of `around` (milliseconds since 1970), signed by
 * `issuer`, or by itself without one. Each may sign others. Node makes none, a machine need not have OpenSSL, and a key in the
 * repository would be a key in the repository. Source: RFC 5280, with P-256 by RFC 5480, which Java reads as well.
 */
export function testCertificate({
  host,
  issuer,
  around = Date.now(),
}: {
  host: string
  issuer?: TestCertificate
  around?: number
}): TestCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const alternative = isIPv4(host) ? tlv(0x87, Buffer.from(host.split('.').map(Number))) : tlv(0x82, Buffer.from(host))
  const names = sequence(SUBJECT_ALT_NAME, tlv(0x04, sequence(alternative)))
  const content = sequence(
    tlv(0xa0, tlv(0x02, Buffer.from([2]))),
    tlv(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    sequence(ECDSA_WITH_SHA256),
    nameOf(issuer?.name ?? host),
    sequence(time(around - DAY), time(around + DAY)),
    nameOf(host),
    publicKey.export({ format: 'der', type: 'spki' }),
    tlv(0xa3, sequence(names, MAY_SIGN)),
  )
  const key = issuer ? createPrivateKey(issuer.key) : privateKey
  const signature = tlv(0x03, Buffer.concat([Buffer.from([0]), sign('sha256', content, key)]))
  const der = sequence(content, sequence(ECDSA_WITH_SHA256), signature)
  const lines = der.toString('base64').replaceAll(/.{64}(?=.)/g, '$&\n')
  return {
    name: host,
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ format: 'pem', type: 'pkcs8' }) as string,
  }
}

const DAY = 86_400_000
const COMMON_NAME = Buffer.from('0603550403', 'hex')
const SUBJECT_ALT_NAME = Buffer.from('0603551d11', 'hex')
const ECDSA_WITH_SHA256 = Buffer.from('06082a8648ce3d040302', 'hex')
/** Basic constraints, critical: an authority. */
const MAY_SIGN = Buffer.from('300f0603551d130101ff040530030101ff', 'hex')

const nameOf = (name: string): Buffer => sequence(tlv(0x31, sequence(COMMON_NAME, tlv(0x0c, Buffer.from(name)))))

function tlv(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

const sequence = (...parts: Buffer[]): Buffer => tlv(0x30, ...parts)

/** UTCTime: `YYMMDDHHMMSSZ`. */
const time = (at: number): Buffer =>
  tlv(0x17, Buffer.from(`${new Date(at).toISOString().slice(2, 19).replaceAll(/[-T:]/g, '')}Z`))
