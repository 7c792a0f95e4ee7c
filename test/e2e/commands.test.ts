import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { openEventLog } from '@tributary/event-log'
import { derivedEventId, encodeEvent, ORDER_TOPIC } from '@tributary/events'
import { exampleEvent } from '@tributary/events/examples'
import { exportLog, INDEXED_TOPICS } from '@tributary/history'
import { expect } from 'chai'
import { emptyTestDatabase, migratedTestDatabase } from '../servers/index.ts'
import { runCommand } from './gateway/command.ts'
import { eventually } from './gateway/eventually.ts'
import { createGateway, type Gateway, NOWHERE, UNREACHABLE_EBAY } from './gateway/gateway.ts'

const APP = 'app add --channel ebay --name shop --client-id id --client-secret-file - --scopes a+b --redirect-uri RuName'.split(
  ' ',
)
const SPI = ['spi', 'add', '--code', 'warehouse', '--name', 'warehouse-service']

/** Runs a command whose output nobody reads; answers what it said on stderr, and its exit code. */
async function unheard(gateway: Gateway, words: readonly string[]): Promise<[string, number | null]> {
  const child = gateway.begin(words)
  child.stdout.destroy()
  const [errors, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
  return [errors, code]
}

describe('the command line, on a new database', function () {
  this.timeout(60_000)
  let drop: () => Promise<void>
  let gateway: Gateway
  before(async () => {
    const empty = await emptyTestDatabase('commands')
    drop = empty.drop
    const receivers = { 'warehouse-service': `${NOWHERE}/spi` }
    gateway = await createGateway({ databaseUrl: empty.url, ebay: UNREACHABLE_EBAY, receivers })
  })
  after(async () => {
    await gateway.remove()
    await drop()
  })

  async function succeed(args: readonly string[], input?: string): Promise<string> {
    const { code, output, errors } = await gateway.run(args, input)
    expect(code, `${args.join(' ')}: ${errors}`).to.equal(0)
    return output
  }
  async function fail(args: readonly string[]): Promise<string> {
    const { code, output, errors } = await gateway.run(args)
    expect(code, `${args.join(' ')}: ${output}`).to.equal(1)
    return errors + output
  }

  it('says that the schema is missing and how to make it, and serves nothing until then', async () => {
    const [doctor, serve] = await Promise.all([fail(['doctor']), fail(['serve', 'ingest'])])
    expect(doctor).to.match(/^FIX {2}schema: .*npm run tributary -- migrate$/m)
    expect(serve).to.match(/npm run tributary -- migrate \[SCHEMA_UNFIT\]/)
  })

  it('migrates twice, also at once, and one of them has nothing to do', async () => {
    const outcomes = await Promise.all([succeed(['migrate']), succeed(['migrate'])])
    expect(outcomes.filter((words) => words === 'The schema is up to date.\n')).to.have.length(1)
    expect(outcomes.join(''))
      .to.match(/^migrating 001-/m)
      .and.to.match(/^\d+ migrations ran\.$/m)
  })

  it('takes an app and a receiver, is content then, and shows no secret twice', async () => {
    const [app, service] = await Promise.all([succeed(APP, 'client-secret-of-the-app\n'), succeed(SPI)])
    expect(app).to.match(/^App \d+ added\. .*\/open\/order\/oauth\/authorize\/1\?app=\d+$/m)
    const secret = service.match(/whsec_\S+/)?.[0] ?? ''
    expect(Buffer.from(secret.slice(6), 'base64')).to.have.length(32)
    const lists = await Promise.all([succeed(['doctor']), succeed(['spi', 'list']), succeed(['app', 'list', '--json'])])
    const [doctor, services, apps] = lists
    expect(doctor).not.to.match(/^FIX/m)
    expect(services).to.include(`warehouse  warehouse-service  ${NOWHERE}/spi`)
    expect(JSON.parse(apps)).to.include({ channel: 1, name: 'shop', clientId: 'id', redirectUri: 'RuName', secretEnds: null })
    expect(lists.join('')).not.to.match(/client-secret-of-the-app|whsec_/)
  })

  it('refuses what is there already or nowhere, says what to look at, and shows empty lists as such', async () => {
    const [again, route, sellers, parked, rewrapped] = await Promise.all([
      fail(SPI),
      fail(['seller', 'route', 'ebay', 'nobody', '--spi', 'warehouse']),
      succeed(['seller', 'list']),
      succeed(['parked', 'list']),
      succeed(['vault', 'rewrap']),
    ])
    expect(again).to.include("'warehouse'").and.to.include('DATABASE_DUPLICATE')
    expect(route).to.include("no seller 'nobody'").and.to.include('tributary seller list')
    expect([sellers, parked]).to.deep.equal(['(none)\n', '(none)\n'])
    expect(rewrapped).to.include('already')
  })

  it('takes an app of TikTok Shop, whose redirect address stands in Partner Center only', async () => {
    const words = 'app add --channel tiktok --name shop --client-id key --client-secret-file - --developer-id 7480 --scopes a+b'
    const added = await succeed([...words.split(' '), '--redirect-uri', ''], 'another-secret\n')
    expect(added).to.match(/^App \d+ added\. .*\/open\/order\/oauth\/authorize\/2\?app=\d+$/m)
  })

  it('takes an app of Amazon with the words of the README, and lists it without its secret', async () => {
    const ids = '--client-id amzn1.application-oa2-client.a --developer-id amzn1.sp.solution.b --scopes orders'
    const words = `app add --channel amazon --name amazon-shop --client-secret-file - ${ids}`
    const redirect = 'https://gateway.example/open/order/oauth/callback/3'
    const added = await succeed([...words.split(' '), '--redirect-uri', redirect], 'amazon-secret\n')
    expect(added).to.match(/^App \d+ added\. .*\/open\/order\/oauth\/authorize\/3\?app=\d+$/m)
    const id = /^App (\d+)/m.exec(added)?.[1] ?? ''
    const listed = await succeed(['app', 'list', '--json'])
    expect(listed).to.include('amazon-shop').and.to.include(redirect).and.not.to.include('amazon-secret')
    const set = (app: string) => ['app', 'set-secret', app, '--client-secret-file', '-']
    expect(await succeed(set(id), 'the-next-secret\n')).to.include(`App ${id} has another secret`)
    expect(await succeed(['app', 'list', '--json'])).not.to.include('the-next-secret')
    expect((await gateway.run(set('999999'), 'x\n')).errors).to.include('APP_UNKNOWN')
  })

  it('makes a key of the HTTP API, shows it once, and ends it', async () => {
    const [, id = '', key = ''] =
      (await succeed(['api-key', 'add', '--name', 'erp', '--scopes', 'read,ship'])).match(/^API key (\w+) .*: (trb_\S+)$/m) ??
      []
    expect(key).to.have.length.above(40)
    const listed = await succeed(['api-key', 'list', '--json'])
    expect(JSON.parse(listed)).to.include({ id, name: 'erp', scopes: 'read ship', revoked: '' })
    expect(listed).not.to.include(key)
    await succeed(['api-key', 'revoke', id])
    expect(JSON.parse(await succeed(['api-key', 'list', '--json'])).revoked).to.match(/^20/)
    expect(await fail(['api-key', 'revoke', id])).to.include('API_KEY_UNKNOWN')
  })

  it('lists shipments and consents that wait, and names what is not among them', async () => {
    const unknown = 'aa000000-0000-4000-8000-000000000000'
    const [shipments, consents, retry, confirm, discard] = await Promise.all([
      succeed(['shipment', 'list', '--state', 'parked']),
      succeed(['consent', 'list']),
      fail(['shipment', 'retry', unknown]),
      fail(['consent', 'confirm', 'nobody', '--spi', 'warehouse']),
      fail(['consent', 'discard', 'nobody']),
    ])
    expect([shipments, consents]).to.deep.equal(['(none)\n', '(none)\n'])
    expect(retry).to.include('SHIPMENT_NOT_WAITING')
    for (const refused of [confirm, discard]) expect(refused).to.include('CONSENT_UNKNOWN')
    expect(await fail(['consent', 'confirm', 'nobody', '--spi', 'nobody'])).to.include('SPI_UNKNOWN')
  })

  it('tells a wrong call from a failed one by its exit code', async () => {
    const { code, errors } = await gateway.run(['serve', 'everything'])
    expect(code).to.equal(64)
    expect(errors).to.include('ingest, order-sync, contact-sync, projector, dispatcher')
    for (const words of [
      ['events', 'find'],
      ['import', 'orders'],
    ]) {
      const said = await gateway.run(words)
      expect(said.code, said.errors).to.equal(64)
    }
  })

  it('ends quietly, as SIGPIPE would end it, when nobody reads what was asked for', async () => {
    for (const words of [
      ['migrate', '--help'],
      ['spi', 'list'],
    ])
      expect(await unheard(gateway, words), words.join(' ')).to.deep.equal(['', 141])
  })

  it('does what it is called for to the end though nobody reads what it says', async () => {
    const empty = await emptyTestDatabase('unheard')
    const other = await createGateway({ databaseUrl: empty.url, ebay: UNREACHABLE_EBAY, receivers: {} })
    try {
      expect(await unheard(other, ['migrate'])).to.deep.equal(['', 0])
      expect((await other.run(['migrate'])).output).to.equal('The schema is up to date.\n')
    } finally {
      await other.remove()
      await empty.drop()
    }
  })
})

describe('an archive of a log with two partitions, where eight are configured', function () {
  this.timeout(60_000)
  const { signal } = new AbortController()
  let folder: string
  let gateway: Gateway
  let databaseUrl: string
  const closers: (() => Promise<unknown>)[] = []
  const events = Array.from({ length: 700 }, (_, number) =>
    encodeEvent(exampleEvent('OrderNotified', derivedEventId('archived', number))),
  )
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tributary-archive-'))
    const [source, target] = await Promise.all([migratedTestDatabase('archived'), migratedTestDatabase('restored')])
    closers.push(source.drop, target.drop)
    databaseUrl = target.url
    const log = await openEventLog({ url: source.url, database: source.database, partitions: 2 })
    await log.append(ORDER_TOPIC, events)
    await exportLog({ log, topics: INDEXED_TOPICS, folder, signal })
    await log.close()
    gateway = await createGateway({ databaseUrl, ebay: UNREACHABLE_EBAY, receivers: {} })
    closers.unshift(() => gateway.remove())
  })
  after(async () => {
    for (const close of closers) await close()
    await rm(folder, { recursive: true, force: true })
  })

  it('is restored into a log that is made as that one was', async () => {
    const { code, output, errors } = await gateway.run(['restore', '--from', folder])
    expect(code, errors).to.equal(0)
    expect(output).to.include('holds all 700 events of the archive, 700 of them new')
    const log = await openEventLog({ url: databaseUrl, partitions: 8 })
    expect(await log.partitions(ORDER_TOPIC).finally(log.close)).to.equal(2)
  })

  it('is not projected yet: who waits for that ends it with Ctrl-C, and is told that not everything was done', async () => {
    const child = gateway.begin(['import', 'orders', '--from-file', '-', '--verify-only'])
    child.stdin.end(databaseUrl)
    const errors: string[] = []
    child.stderr.on('data', (chunk: Buffer) => {
      errors.push(String(chunk))
      // Once: a second Ctrl-C would end it at once.
      if (!child.killed && errors.join('').includes('"project orders"')) child.kill('SIGINT')
    })
    const [code] = await once(child, 'close')
    expect(code, errors.join('')).to.equal(130)
    expect(errors.join('')).to.include('INTERRUPTED')
  })

  it('is not compared when another command aborts that, and the exit code says so', async () => {
    const child = gateway.begin(['rebuild', 'orders', '--verify-only', '--share', '0.001'])
    const output = text(child.stdout)
    const ended = once(child, 'exit')
    await eventually('it builds', async () => {
      const { output: status } = await gateway.run(['projection', 'status', 'orders', '--json'])
      return / building /.test(JSON.parse(status).lastRebuild)
    })
    expect((await gateway.run(['rebuild', 'orders', '--abort'])).output).to.include('was asked to abort')
    expect((await ended)[0]).to.equal(1)
    expect(await output).to.include('Aborted by another command')
  })

  it('shows its last events, as many as are asked for, to the very last', async () => {
    const { output } = await gateway.run(['events', 'tail', '--last', '600', '--json'])
    const shown = output.split('\n').filter((line) => line !== '')
    expect(shown.map((line) => JSON.parse(line).id)).to.deep.equal(events.slice(100).map(({ id }) => id))
  })
})

describe('a configuration that is wrong', function () {
  this.timeout(20_000)
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tributary-configuration-'))
  })
  after(() => rm(folder, { recursive: true, force: true }))

  const DATABASE = 'mysql://tributary:hunter2@127.0.0.1:9/eg'
  const MASTER_KEY = Buffer.alloc(32, 7).toString('base64')

  it('is told whole: each key with its line, what was expected, the kind of thing found, and the fix; no value', async () => {
    const file = join(folder, 'wrong.yaml')
    const lines = [
      'tributary:',
      '  server: { port: eighty }',
      '  order-sync: { poll-interval-secs: 60 }',
      'qifu:',
      '  eg:',
      '    ebay:',
      `      challenge-verification-token: \${EBAY_TOKEN}`,
      '      order-url: http://api.ebay.com/orders',
    ]
    await writeFile(file, lines.join('\n'))
    const environment = { TRIBUTARY_CONFIG: file, TRIBUTARY_DATABASE_URL: DATABASE, TRIBUTARY_MASTER_KEY: 'hunter2' }
    const { code, errors } = await runCommand(['doctor'], { environment })
    expect(code).to.equal(1)
    expect(errors)
      .to.include('[CONFIGURATION_INVALID]')
      .and.not.to.match(/hunter2|eighty|ebay\.com\/orders/)
    for (const sentence of [
      /tributary\.server\.port \(line 2\): expected a port, found a text\. Write a whole number/,
      /tributary\.order-sync\.poll-interval-secs \(line 3\): .*poll-interval-seconds/,
      /challenge-verification-token \(line 7\): .*EBAY_TOKEN/,
      /qifu\.eg\.ebay\.order-url \(line 8\): expected an https address such as https/,
      /TRIBUTARY_MASTER_KEY: expected .*openssl rand/,
    ])
      expect(errors).to.match(sentence)
  })

  it('or names a database that does not answer, is told with what to check, without the password', async () => {
    const environment = { TRIBUTARY_DATABASE_URL: DATABASE, TRIBUTARY_MASTER_KEY: MASTER_KEY }
    const runs = [
      ['doctor', '--show-configuration'],
      ['serve', 'ingest'],
    ].map((args) => runCommand(args, { environment }))
    for (const { code, output, errors } of await Promise.all(runs)) {
      expect(code).to.equal(1)
      expect(output + errors).to.match(/does not answer. Check that it runs and that its address is right/)
      expect(output + errors)
        .not.to.match(/hunter2/)
        .and.not.to.include(MASTER_KEY)
    }
  })
})
