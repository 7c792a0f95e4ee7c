import { randomBytes } from 'node:crypto'
import type { App } from '@tributary/channels'
import { createEbay } from '@tributary/channels/ebay'
import { addApp, addSpiService, type Database, listApps, openDatabase } from '@tributary/database'
import { type EventLog, openEventLog } from '@tributary/event-log'
import { createRowIds, decodeEvent, type Event, ORDER_TOPIC } from '@tributary/events'
import { createHttpServer, createLogger, type HttpServer, type Service } from '@tributary/runtime'
import { migratedTestDatabase } from '@tributary/test/servers'
import { createEbaySimulator, EBAY_SCOPES, type EbaySimulator } from '@tributary/test/simulators/ebay'
import { openVault, type Vault } from '@tributary/vault'
import type { IngestContext } from '../context.ts'
import { createIngest } from '../ingest.ts'
import { type Relay, startRelay } from './relay.ts'

/** A whole ingest over real HTTP, a real database behind a relay, and a simulated eBay. */
export type IngestUnderTest = {
  ebay: EbaySimulator
  /** Not through the relay: what a test looks at. */
  database: Database
  relay: Relay
  log: EventLog
  vault: Vault
  ingest: Service
  server: HttpServer
  appId: number
  /** Where eBay posts to. */
  callback: string
  /** Registered at the simulated eBay: what its challenge is answered with. */
  challenge: { token: string; endpoint: string }
  /** Every line that was logged. */
  lines: string[]
  /** Every event in the log, partition by partition. */
  events(): Promise<Event[]>
  /** A new process over the same database: new pool, log, ingest and server. */
  restart(configuration?: IngestContext['configuration']): Promise<void>
  close(): Promise<void>
}

export async function startIngest(): Promise<IngestUnderTest> {
  const { url, database, drop } = await migratedTestDatabase('ingest')
  const relay = await startRelay(url)
  const ebay = await createEbaySimulator()
  const appId = await addApp(database, appOf(ebay))
  for (const serverCode of ['warehouse', 'billing']) {
    await addSpiService(database, { type: 1, serverCode, serverName: serverCode, description: '', secret: '' })
  }
  const challenge = { token: randomBytes(24).toString('base64url'), endpoint: 'https://gateway.example/open/order/callback/1' }
  const lines: string[] = []
  const masterKey = randomBytes(32)
  const start = (configuration: IngestContext['configuration'] = {}) =>
    startProcess({ configuration, databaseUrl: relay.url, masterKey, ebay, challenge, lines })
  const reader = await openEventLog({ url, database, partitions: PARTITIONS })
  let running = await start()
  return {
    ebay,
    database,
    relay,
    appId,
    challenge,
    lines,
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
    events: () => allEvents(reader),
    async restart(configuration) {
      await running.stop()
      running = await start(configuration)
    },
    async close() {
      relay.heal()
      await running.stop()
      await reader.close()
      await relay.close()
      await ebay.close()
      await drop()
    },
  }
}

const PARTITIONS = 3

async function startProcess(options: {
  configuration: IngestContext['configuration']
  databaseUrl: string
  masterKey: Buffer
  ebay: EbaySimulator
  challenge: { token: string; endpoint: string }
  lines: string[]
}) {
  const { configuration, databaseUrl: url, masterKey, ebay, challenge, lines } = options
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
  const channels = new Map([[1, channel]])
  const rowIds = createRowIds({ worker: 0 })
  const ingest = createIngest({ configuration, database, log, vault, channels, rowIds, logger })
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

async function allEvents(log: EventLog): Promise<Event[]> {
  const events: Event[] = []
  for (let partition = 0; partition < (await log.partitions(ORDER_TOPIC)); partition++) {
    let from = 0
    for (;;) {
      const slice = await log.read(ORDER_TOPIC, partition, from)
      events.push(...slice.events.map(({ event }) => decodeEvent(event)))
      if (slice.next === from) break
      from = slice.next
    }
  }
  return events
}

const appOf = (ebay: EbaySimulator) => ({
  channel: 1,
  name: 'shop',
  clientId: ebay.app.clientId,
  clientSecret: ebay.app.clientSecret,
  developerId: '',
  scopes: [...EBAY_SCOPES],
  redirectUri: ebay.app.ruName,
  attachInfo: {},
})

async function firstApp(database: Database): Promise<App> {
  const [app] = await listApps(database, 1)
  if (!app) throw new Error('the test has no app')
  return app
}
