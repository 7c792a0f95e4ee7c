import { randomBytes } from 'node:crypto'
import type { App, Channel } from '@tributary/channels'
import { createEbay } from '@tributary/channels/ebay'
import { addApp, addSpiService, type Database, listApps, openDatabase } from '@tributary/database'
import { type EventLog, openEventLog } from '@tributary/event-log'
import { createRowIds, decodeEvent, type Event, ORDER_TOPIC, type Topic } from '@tributary/events'
import { createLogger, type Service } from '@tributary/runtime'
import { createHttpServer, type HttpServer } from '@tributary/runtime/http'
import { migratedTestDatabase, type Relay, startRelay } from '@tributary/test/servers'
import { createEbaySimulator, EBAY_SCOPES, type EbaySimulator } from '@tributary/test/simulators/ebay'
import { openVault, type Vault } from '@tributary/vault'
import type { IngestContext } from '../context.ts'
import { createIngest } from '../ingest.ts'

const PARTITIONS = 3

/** What ingest is given besides its connections. */
type Settings = { masterKey: Buffer; challenge: { token: string; endpoint: string }; lines: string[] }

/** A whole ingest over real HTTP, a real database behind a relay, and a simulated eBay. */
export type IngestUnderTest = {
  readonly ebay: EbaySimulator
  readonly log: EventLog
  readonly vault: Vault
  readonly ingest: Service
  readonly server: HttpServer
  /** Where eBay posts to. */
  readonly callback: string
  /** Our app at eBay, in `eg_order_app`. Two receivers, `warehouse` and `billing`, are registered too. */
  readonly appId: number
  /** Not through the relay: for what a test looks at. */
  readonly database: Database
  readonly relay: Relay
  readonly challenge: { token: string; endpoint: string }
  /** Every line that was logged since the start. */
  readonly lines: string[]
  /** Every event of a topic in the log, partition by partition; of orders and sellers unless said otherwise. */
  events(topic?: Topic): Promise<Event[]>
  /** Empty tables, a new eBay and a new process: the state in which every test begins. */
  reset(): Promise<void>
  /** A new process over the same database and eBay: new pool, log, ingest and server; `more` are channels beside eBay. */
  restart(configuration?: IngestContext['configuration'], more?: readonly Channel[], withoutDatabase?: boolean): Promise<void>
  close(): Promise<void>
}

/** Prepares the database once, because migrating it takes longer than a test. Every test begins with `reset`. */
export async function prepareIngest(): Promise<IngestUnderTest> {
  const { url, database, drop } = await migratedTestDatabase('ingest')
  const relay = await startRelay(url)
  const challenge = { token: randomBytes(24).toString('base64url'), endpoint: 'https://gateway.example/open/order/callback/1' }
  const settings: Settings = { masterKey: randomBytes(32), challenge, lines: [] }
  let ebay = await createEbaySimulator()
  let running = await startProcess(relay.url, ebay, {}, settings)
  let appId = 0
  return {
    database,
    relay,
    challenge,
    lines: settings.lines,
    get ebay() {
      return ebay
    },
    get log() {
      return running.log
    },
    get vault() {
      return running.vault
    },
    get ingest() {
      return running.ingest
    },
    get server() {
      return running.server
    },
    get callback() {
      return `${running.server.url}/open/order/callback/1`
    },
    get appId() {
      return appId
    },
    events: (topic = ORDER_TOPIC) => allEvents(url, database, topic),
    async reset() {
      relay.heal()
      await running.stop()
      await ebay.close()
      await emptyTables(database)
      settings.lines.length = 0
      ebay = await createEbaySimulator()
      appId = await register(database, ebay)
      running = await startProcess(relay.url, ebay, {}, settings)
    },
    async restart(configuration = {}, more = [], withoutDatabase = false) {
      await running.stop()
      running = await startProcess(relay.url, ebay, configuration, { ...settings, more, withoutDatabase })
    },
    async close() {
      relay.heal()
      await running.stop()
      await ebay.close()
      await relay.close()
      await drop()
    },
  }
}

async function startProcess(
  url: string,
  ebay: EbaySimulator,
  configuration: IngestContext['configuration'],
  {
    masterKey,
    challenge,
    lines,
    more = [],
    withoutDatabase = false,
  }: Settings & { more?: readonly Channel[]; withoutDatabase?: boolean },
) {
  const database = openDatabase(url)
  const log = await openEventLog({ url, database, partitions: PARTITIONS })
  const vault = await openVault({ database, masterKeys: [masterKey] })
  const channel = createEbay({
    urls: ebay.urls,
    challengeVerificationToken: challenge.token,
    notificationEndpoint: challenge.endpoint,
    app: () => firstApp(database),
    budget: { take: async () => {} },
  })
  const logger = createLogger({ level: 'trace', format: 'json', destination: { write: (line) => void lines.push(line) } })
  const channels = new Map([channel, ...more].map((one) => [one.number, one]))
  const rowIds = createRowIds({ worker: 0 })
  const ingest = createIngest({ configuration, database, log, vault, channels, rowIds, logger, withoutDatabase })
  const server = createHttpServer({ host: '127.0.0.1', port: 0, logger, routers: [ingest.router], health: [ingest] })
  await ingest.start()
  await server.start()
  ebay.app.acceptUrl = `${server.url}/open/order/oauth/callback/1`
  ebay.app.rejectUrl = ebay.app.acceptUrl
  return {
    log,
    vault,
    ingest,
    server,
    async stop() {
      await server.stop()
      await ingest.stop()
      await log.close()
      await database.close()
    },
  }
}

/** All but the migrations, and the one key that makes pseudonyms. */
async function emptyTables(database: Database): Promise<void> {
  const rows = await database.query<{ name: string }[]>(
    `SELECT table_name AS name FROM information_schema.tables
     WHERE table_schema = DATABASE() AND (table_name LIKE 'tributary\\_%' OR table_name IN ('eg_order_app', 'eg_spi'))`,
  )
  const kept = /migration|pseudonym/
  for (const { name } of rows.filter((row) => !kept.test(row.name))) await database.query('DELETE FROM ??', [name])
}

async function register(database: Database, ebay: EbaySimulator): Promise<number> {
  for (const serverCode of ['warehouse', 'billing']) {
    await addSpiService(database, { type: 1, serverCode, serverName: serverCode, description: '', secret: '' })
  }
  return addApp(database, {
    channel: 1,
    name: 'shop',
    clientId: ebay.app.clientId,
    clientSecret: ebay.app.clientSecret,
    developerId: '',
    scopes: [...EBAY_SCOPES],
    redirectUri: ebay.app.ruName,
    attachInfo: {},
  })
}

async function firstApp(database: Database): Promise<App> {
  const [app] = await listApps(database, 1)
  if (!app) throw new Error('the test has no app')
  return app
}

async function allEvents(url: string, database: Database, topic: Topic): Promise<Event[]> {
  const log = await openEventLog({ url, database, partitions: PARTITIONS })
  try {
    const events: Event[] = []
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const slice = await log.read(topic, partition, 0)
      events.push(...slice.events.map(({ event }) => decodeEvent(event)))
    }
    return events
  } finally {
    await log.close()
  }
}
