import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import type { EventLog } from '@tributary/event-log'
import { pause } from '@tributary/runtime'
import { expect } from 'chai'
import { describeOnKafka, migratedTestDatabase } from '../servers/index.ts'
import { type SecuredKafka, startSecuredKafka } from '../servers/secured-kafka.ts'
import { anEvent, eventsOfKeys, idsOf, openUnderTest, readAll } from './event-log/log-under-test.ts'

const FOLDER = join(import.meta.dirname, '../../.local/secured-kafka')
/** Four tries of kafkajs with their pauses, on a busy machine. */
const BOUND = 15_000

describeOnKafka('The Kafka log on secured brokers', function () {
  this.timeout(60_000)
  let kafka: SecuredKafka
  let database: Awaited<ReturnType<typeof migratedTestDatabase>>
  let tokenFile: string
  before(async () => {
    ;[kafka, database] = await Promise.all([startSecuredKafka(FOLDER), migratedTestDatabase('kafka_secured')])
    tokenFile = join(FOLDER, 'token')
    await writeFile(tokenFile, kafka.token())
  })
  after(async () => {
    await kafka?.close()
    await database?.drop()
  })

  type Mechanism = keyof SecuredKafka['users']
  const address = (host: string, options: Record<string, string>, user = '') =>
    `kafka://${user}${host}?${new URLSearchParams({ tls: 'true', ...options })}`
  const withUser = (mechanism: Mechanism, { password } = kafka.users[mechanism]) =>
    address(kafka.sasl, { ca: kafka.files.ca, mechanism }, `${kafka.users[mechanism].user}:${password}@`)
  const withToken = (token: string) => address(kafka.sasl, { ca: kafka.files.ca, mechanism: 'oauthbearer', token })
  const withCertificate = () => {
    const { ca, cert, key } = kafka.files
    return address(kafka.mutual, { ca, cert, key })
  }

  const using = async <T>(url: string, work: (log: EventLog) => Promise<T>): Promise<T> => {
    const log = await openUnderTest({ url, databaseUrl: database.url })
    try {
      return await work(log)
    } finally {
      await log.close()
    }
  }

  const ways: [title: string, url: () => string][] = [
    ['TLS', () => address(kafka.tls, { ca: kafka.files.ca })],
    ['TLS and a certificate of ours', withCertificate],
    ['a password (PLAIN)', () => withUser('plain')],
    ['a password (SCRAM-SHA-256)', () => withUser('scram-sha-256')],
    ['a password (SCRAM-SHA-512)', () => withUser('scram-sha-512')],
    ['a token (OAUTHBEARER)', () => withToken(tokenFile)],
  ]
  for (const [title, url] of ways)
    it(`makes a topic, appends, reads and follows by ${title}`, () =>
      using(url(), async (log) => {
        const topic = `SECURED_${randomUUID().slice(0, 8)}`
        const events = eventsOfKeys(3, 4)
        const places = await log.append(topic, events)
        expect(places.every(({ appended }) => appended)).to.equal(true)
        expect((await log.ends(topic)).reduce((sum, end) => sum + end, 0)).to.equal(events.length)
        const ids = idsOf(events.map((event) => ({ event }))).toSorted()
        expect(idsOf(await readAll(log, topic)).toSorted()).to.deep.equal(ids)
        expect((await followed(log, topic, events.length)).toSorted()).to.deep.equal(ids)
      }))

  type Refusal = { code: string; retriable: boolean; says: RegExp; secrets?: string[] }
  const expectRefused = async (url: string, { code, retriable, says, secrets = [] }: Refusal) => {
    const started = performance.now()
    const error = await using(url, (log) =>
      log.append('REFUSED', [anEvent()]).then(
        () => undefined,
        (reason: unknown) => reason,
      ),
    )
    expect(performance.now() - started).to.be.lessThan(BOUND)
    expect(error, inspect(error)).to.include({ code, retriable })
    expect((error as Error).message).to.match(says)
    for (const secret of secrets) expect(inspect(error, { depth: 9 })).to.not.include(secret)
  }
  const AWAY = { code: 'LOG_UNAVAILABLE', retriable: true }
  const REFUSED = { code: 'LOG_UNAVAILABLE', retriable: false }

  for (const mechanism of ['plain', 'scram-sha-256', 'scram-sha-512'] as const)
    it(`says that a wrong password is refused (${mechanism})`, () =>
      expectRefused(withUser(mechanism, { user: '', password: 'a-wrong-password' }), {
        ...REFUSED,
        says: /refuse this user/,
        secrets: ['a-wrong-password'],
      }))

  it('says that the brokers do not know a user by another mechanism than its own', () => {
    const { user, password } = kafka.users.plain
    return expectRefused(address(kafka.sasl, { ca: kafka.files.ca, mechanism: 'scram-sha-512' }, `${user}:${password}@`), {
      ...REFUSED,
      says: /refuse this user/,
      secrets: [password],
    })
  })

  it('says that nobody vouches for the certificate of a broker', async () => {
    const says = /Nobody whom we trust vouches/
    await expectRefused(address(kafka.tls, { ca: kafka.files.strangers }), { ...AWAY, says })
    const { user, password } = kafka.users.plain
    await expectRefused(address(kafka.sasl, {}, `${user}:${password}@`), { ...AWAY, says, secrets: [password] })
  })

  it('says that the certificate of a broker is for another host', () =>
    expectRefused(address(kafka.tls.replace('localhost', '127.0.0.1'), { ca: kafka.files.ca }), {
      ...AWAY,
      says: /for another host/,
    }))

  it('says that the brokers ask for a certificate of ours', () =>
    expectRefused(address(kafka.mutual, { ca: kafka.files.ca }), { ...AWAY, says: /ask for a certificate of ours/ }))

  it('says that the brokers speak no TLS', () =>
    expectRefused(address(`127.0.0.1:${kafka.broker.port}`, { ca: kafka.files.ca }), { ...AWAY, says: /speak no TLS/ }))

  it('says that a token has expired, is meant for others, is forged, or is not there', async () => {
    const file = join(FOLDER, 'bad-token')
    await expectRefused(withToken(file), { ...AWAY, says: /names as token cannot be read/ })
    await writeFile(file, '\n')
    await expectRefused(withToken(file), { ...AWAY, says: /names as token is empty/ })
    for (const token of [kafka.token({ seconds: -300 }), kafka.token({ audience: 'somebody-else' }), forged(kafka.token())]) {
      await writeFile(file, token)
      await expectRefused(withToken(file), { ...AWAY, says: /refuse the token/, secrets: [token] })
    }
  })

  it('authenticates anew before its token ends, with the token that is in the file by then', async () => {
    const file = join(FOLDER, 'short-token')
    const [first, second] = [kafka.token({ seconds: 13 }), kafka.token()]
    await writeFile(file, first)
    await using(withToken(file), async (log) => {
      await log.append('RENEWED', [anEvent()])
      await writeFile(file, 'no token')
      expect(await refusalOf(log)).to.match(/refuse the token/)
      await writeFile(file, second)
      await log.append('RENEWED', [anEvent()])
    })
  })
})

/** The signature is the last of the three parts. */
const forged = (token: string): string => token.replace(/[^.]+$/, (signature) => [...signature].toReversed().join(''))

/** Appends until that is refused; answers why. */
async function refusalOf(log: EventLog): Promise<string> {
  for (;;)
    try {
      await log.append('RENEWED', [anEvent()])
      await pause(20)
    } catch (error) {
      return (error as Error).message
    }
}

async function followed(log: EventLog, topic: string, count: number): Promise<string[]> {
  const ids: string[] = []
  const stop = new AbortController()
  await log.follow({
    ...{ topic, group: 'secured', signal: stop.signal },
    follower: {
      assigned: async () => 0,
      batch: async (_, { events }) => {
        ids.push(...idsOf(events))
        if (ids.length >= count) stop.abort()
      },
      revoked: async () => {},
    },
  })
  return ids
}
