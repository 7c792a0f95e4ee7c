import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { testCertificate } from './certificate.ts'
import { type PrivateBroker, startKafka } from './kafka.ts'
import { freePort } from './machine.ts'

/** A broker whose every listener but one is secured, and what its clients need; nothing of it outlives the test. */
export type SecuredKafka = {
  broker: PrivateBroker
  /** `localhost:port`: TLS alone; TLS that asks for a client's certificate; TLS and SASL. Certificates are for `localhost` only. */
  tls: string
  mutual: string
  sasl: string
  /** By mechanism of the driver's address. Each is known to the broker by that mechanism only. */
  users: Readonly<Record<'plain' | 'scram-sha-256' | 'scram-sha-512', { user: string; password: string }>>
  /** PEM files: the authority of the broker and of its clients, a stranger's, and a client's certificate with its key. */
  files: Readonly<Record<'ca' | 'strangers' | 'cert' | 'key', string>>
  /** A token that the broker takes for so many seconds, unless its audience is another. */
  token(options?: { seconds?: number; audience?: string }): string
  close(): Promise<void>
}

const AUDIENCE = 'tributary-kafka'
const ISSUER = 'https://identity.example'
const KEY_ID = 'one'
const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER']
const MODULES = 'org.apache.kafka.common.security'

/** Starts it, with keys and passwords made now, below `folder`. */
export async function startSecuredKafka(folder: string): Promise<SecuredKafka> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const files = await writeCertificates(folder)
  const users = {
    plain: newUser('ann'),
    'scram-sha-256': newUser('bob'),
    'scram-sha-512': newUser('cid'),
  }
  const tokens = await startTokens()
  const [tls, mutual, sasl] = await Promise.all([freePort(), freePort(), freePort()])
  const scram = (mechanism: 'scram-sha-256' | 'scram-sha-512') =>
    `${mechanism.toUpperCase()}=[name=${users[mechanism].user},password=${users[mechanism].password}]`
  const broker = await startKafka({
    folder: join(folder, 'broker'),
    more: {
      listeners: [
        { name: 'TLS', protocol: 'SSL', port: tls },
        { name: 'MUTUAL', protocol: 'SSL', port: mutual },
        { name: 'SASL', protocol: 'SASL_SSL', port: sasl },
      ],
      properties: [
        ...['ssl.keystore.type=PEM', `ssl.keystore.location=${files.broker}`],
        ...['ssl.truststore.type=PEM', `ssl.truststore.location=${files.ca}`],
        'listener.name.mutual.ssl.client.auth=required',
        ...ofListener(users.plain, tokens.url),
      ],
      format: ['--add-scram', scram('scram-sha-256'), '--add-scram', scram('scram-sha-512')],
      java: [`-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${tokens.url}`],
    },
  })
  return {
    ...{ broker, users, files, token: tokens.token },
    tls: `localhost:${tls}`,
    mutual: `localhost:${mutual}`,
    sasl: `localhost:${sasl}`,
    close: async () => {
      await broker.kill()
      await tokens.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const newUser = (user: string) => ({ user, password: randomBytes(12).toString('hex') })

function ofListener(plain: { user: string; password: string }, jwks: string): string[] {
  const property = (name: string, value: string) => `listener.name.sasl.${name}=${value}`
  return [
    property('sasl.enabled.mechanisms', MECHANISMS.join(',')),
    property('plain.sasl.jaas.config', `${MODULES}.plain.PlainLoginModule required user_${plain.user}="${plain.password}";`),
    property('scram-sha-256.sasl.jaas.config', `${MODULES}.scram.ScramLoginModule required;`),
    property('scram-sha-512.sasl.jaas.config', `${MODULES}.scram.ScramLoginModule required;`),
    property('oauthbearer.sasl.jaas.config', `${MODULES}.oauthbearer.OAuthBearerLoginModule required;`),
    property('oauthbearer.sasl.server.callback.handler.class', `${MODULES}.oauthbearer.OAuthBearerValidatorCallbackHandler`),
    // The default of Kafka 4.1 looks at no signature here.
    property('sasl.oauthbearer.jwt.validator.class', `${MODULES}.oauthbearer.BrokerJwtValidator`),
    property('sasl.oauthbearer.jwks.endpoint.url', jwks),
    property('sasl.oauthbearer.expected.audience', AUDIENCE),
    property('sasl.oauthbearer.expected.issuer', ISSUER),
    property('sasl.oauthbearer.clock.skew.seconds', '1'),
    // Whoever does not renew in time is cut off.
    property('oauthbearer.connections.max.reauth.ms', '3600000'),
  ]
}

async function writeCertificates(folder: string) {
  const authority = testCertificate({ host: 'authority' })
  const strangers = testCertificate({ host: 'stranger' })
  const server = testCertificate({ host: 'localhost', issuer: authority })
  const client = testCertificate({ host: 'tributary', issuer: authority })
  const write = async (name: string, text: string): Promise<string> => {
    const file = join(folder, name)
    await writeFile(file, text, { mode: 0o600 })
    return file
  }
  return {
    ca: await write('ca.pem', authority.cert),
    strangers: await write('strangers.pem', strangers.cert),
    broker: await write('broker.pem', `${server.key}${server.cert}`),
    cert: await write('client.pem', client.cert),
    key: await write('client.key', client.key),
  }
}

/** Gives tokens (JWT, ES256) and serves the key to check them by, as whoever manages identities does. */
async function startTokens() {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const keys = [{ ...publicKey.export({ format: 'jwk' }), kid: KEY_ID, use: 'sig', alg: 'ES256' }]
  const server = createServer((_, response) =>
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys })),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`,
    token: ({ seconds = 3_600, audience = AUDIENCE }: { seconds?: number; audience?: string } = {}) => {
      const now = Math.floor(Date.now() / 1_000)
      return signed(privateKey, {
        iss: ISSUER,
        aud: audience,
        sub: 'tributary',
        iat: now - 600,
        exp: now + seconds,
        scope: 'log',
      })
    },
    close: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

function signed(key: KeyObject, claims: object): string {
  const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
  const content = `${encoded({ alg: 'ES256', kid: KEY_ID, typ: 'JWT' })}.${encoded(claims)}`
  return `${content}.${sign('sha256', Buffer.from(content), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}
