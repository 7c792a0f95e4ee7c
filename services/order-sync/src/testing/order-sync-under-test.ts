import { randomBytes } from 'node:crypto'
import type { App, Channel } from '@tributary/channels'
import { createEbay } from '@tributary/channels/ebay'
import { readCursors } from '@tributary/consumer'
import { addApp, type Database, listApps, openDatabase, type WriteResult } from '@tributary/database'
import { type EventLog, openEventLog } from '@tributary/event-log'
import {
  createEvent,
  createRowIds,
  decodeEvent,
  type Event,
  type EventOf,
  type EventType,
  encodeEvent,
  ORDER_TOPIC,
  orderKey,
  type PersonalPart,
  sellerKey,
  timeOrderedEventId,
} from '@tributary/events'
import { type Configuration, createLogger, type Service } from '@tributary/runtime'
import { migratedTestDatabase, until } from '@tributary/test/servers'
import { createEbaySimulator, EBAY_SCOPES, type EbaySimulator } from '@tributary/test/simulators/ebay'
import { openVault, type Vault } from '@tributary/vault'
import { createCallBudget } from '../call-budget.ts'
import { createOrderSync } from '../order-sync.ts'
import { PACE, type Pace } from '../pace.ts'

export const EBAY = 1
const PARTITIONS = 2
/** Processes under test take turns with all but the last number, which makes the rows of the tests. */
const WORKERS = 31

/** What a process needs to find the database, the keys and the simulated eBay; plain, so that a child can be given it. */
export type Surroundings = { databaseUrl: string; masterKey: string; urls: EbaySimulator['urls'] }

export type ProcessOptions = {
  worker: number
  configuration?: Partial<Configuration['orderSync']>
  pace?: Partial<Pace>
  /** Milliseconds for one call to eBay. */
  timeout?: number
  /** Beside eBay. */
  channels?: readonly Channel[]
  lines?: string[]
}

export type GivenGrant = { channel: number; sellerId: string; region: string; refreshToken: string; appId: number }

export type RunningProcess = { service: Service; stop(): Promise<void> }

/** Quick tries, and windows that end now: the simulator keeps our time. */
const QUICK: Pace = { ...PACE, retry: { first: 20, most: 200 }, clockMargin: 0 }
/** Nothing is polled but what has just appeared. */
const RARELY: Configuration['orderSync'] = {
  pollIntervalSeconds: 3600,
  overlapSeconds: 600,
  reachBackDays: 1,
  concurrency: 4,
  reminderDays: 14,
  shipmentDays: 90,
}

/** Order-sync as one process has it: own pool, log, vault and channel. */
export async function startProcess(surroundings: Surroundings, options: ProcessOptions): Promise<RunningProcess> {
  const { databaseUrl: url, masterKey, urls } = surroundings
  const database = openDatabase(url)
  const log = await openEventLog({ url, database, partitions: PARTITIONS })
  const vault = await openVault({ database, masterKeys: [Buffer.from(masterKey, 'hex')] })
  const ebay = createEbay({
    urls,
    app: () => firstApp(database),
    budget: createCallBudget({ database, channel: EBAY }),
    timeout: options.timeout ?? 1_000,
  })
  const write = (line: string) => void options.lines?.push(line)
  const service = createOrderSync(
    {
      configuration: { orderSync: { ...RARELY, ...options.configuration } },
      database,
      log,
      vault,
      channels: new Map([ebay, ...(options.channels ?? [])].map((channel) => [channel.number, channel])),
      rowIds: createRowIds({ worker: options.worker }),
      logger: createLogger({ level: 'trace', format: 'json', destination: { write } }),
    },
    { ...QUICK, ...options.pace },
  )
  await service.start()
  return {
    service,
    async stop() {
      await service.stop()
      await log.close()
      await database.close()
    },
  }
}

/** Order-sync over a real database and log, and a simulated eBay; the tests play ingest and the sellers projection. */
export type OrderSyncUnderTest = {
  ebay: EbaySimulator
  database: Database
  log: EventLog
  vault: Vault
  surroundings: Surroundings
  /** Every line that a process logged. */
  lines: string[]
  /** Starts a process; it has heard what the log holds by then, so that no consent of a test's sellers comes into its way later. */
  run(options?: Omit<ProcessOptions, 'worker' | 'lines'>): Promise<RunningProcess>
  /** Appends `SellerAuthorized` for a seller of the simulator. `show` is what the sellers projection does with it. */
  consent(userId: string): Promise<{ show(): Promise<void> }>
  /** A seller of the simulator with a grant that the projection shows. */
  addSeller(options?: { refreshToken?: string }): Promise<string>
  /** A seller of another channel with a grant that the projection shows. */
  addSellerOf(given: GivenGrant): Promise<void>
  append(event: Event): Promise<void>
  notify(userId: string, orderId: string, traceparent?: string): Promise<void>
  events<T extends EventType>(type: T): Promise<EventOf<T>[]>
  /** The `OrderReceived` of an order, oldest first. */
  received(orderId: string): Promise<EventOf<'OrderReceived'>[]>
  personal(event: EventOf<'OrderReceived'>): Promise<PersonalPart | undefined>
  /** Between tests: stops every process, and eBay works again. */
  rest(): Promise<void>
  close(): Promise<void>
}

export async function startUnderTest(): Promise<OrderSyncUnderTest> {
  const { url, database, drop } = await migratedTestDatabase('order_sync')
  const ebay = await createEbaySimulator()
  const appId = await addApp(database, appOf(ebay))
  const log = await openEventLog({ url, database, partitions: PARTITIONS })
  const masterKey = randomBytes(32)
  const vault = await openVault({ database, masterKeys: [masterKey] })
  const rowIds = createRowIds({ worker: WORKERS })
  const surroundings = { databaseUrl: url, masterKey: masterKey.toString('hex'), urls: ebay.urls }
  const readAll = createReader(log)
  const lines: string[] = []
  const processes: RunningProcess[] = []
  let started = 0

  async function append(event: Event): Promise<void> {
    await log.append(ORDER_TOPIC, [encodeEvent(event)])
  }

  async function consent(userId: string, refreshToken = ebay.grant(userId)) {
    const grant = { channel: EBAY, sellerId: userId, region: '', refreshToken, appId }
    const event = await authorizedEvent(vault, { ...grant, rowId: rowIds.next() })
    await append(event)
    return { show: () => showSeller(database, event) }
  }

  async function events<T extends EventType>(type: T): Promise<EventOf<T>[]> {
    const all = await readAll()
    return all.filter((event): event is Extract<Event, EventOf<T>> => event.type === type)
  }

  async function rest(): Promise<void> {
    await Promise.all(processes.splice(0).map((running) => running.stop()))
    ebay.heal()
    lines.length = 0
  }

  return {
    ebay,
    database,
    log,
    vault,
    surroundings,
    lines,
    async run(options = {}) {
      started += 1
      const running = await startProcess(surroundings, { ...options, lines, worker: started % WORKERS })
      processes.push(running)
      await until('everything is heard', async () => {
        const ends = await log.ends(ORDER_TOPIC)
        const cursors = await readCursors(database, 'tributaryOrderSync', ORDER_TOPIC)
        return ends.every((end, of) => end === 0 || cursors.some(({ partition, next }) => partition === of && next >= end))
      })
      return running
    },
    consent: (userId) => consent(userId),
    async addSeller({ refreshToken } = {}) {
      const { userId } = ebay.market.addSeller()
      await (await consent(userId, refreshToken)).show()
      return userId
    },
    async addSellerOf(given) {
      const event = await authorizedEvent(vault, { ...given, rowId: rowIds.next() })
      await append(event)
      await showSeller(database, event)
    },
    append,
    notify: (userId, orderId, traceparent) => append(notifiedEvent({ sellerId: userId, orderId, traceparent })),
    events,
    received: async (orderId) => (await events('OrderReceived')).filter(({ data }) => data.orderId === orderId),
    async personal({ id, data }) {
      const [outcome] = await vault.open([{ subject: data.subject, eventId: id, jwe: data.sealed ?? '' }])
      return outcome?.kind === 'opened' ? JSON.parse(outcome.plaintext) : undefined
    },
    rest,
    async close() {
      await rest()
      await ebay.close()
      await log.close()
      await drop()
    },
  }
}

async function firstApp(database: Database): Promise<App> {
  const [app] = await listApps(database, EBAY)
  if (!app) throw new Error('the test has no app')
  return app
}

const appOf = (ebay: EbaySimulator) => ({
  channel: EBAY,
  name: 'shop',
  clientId: ebay.app.clientId,
  clientSecret: ebay.app.clientSecret,
  developerId: '',
  scopes: [...EBAY_SCOPES],
  redirectUri: ebay.app.ruName,
  attachInfo: {},
})

async function authorizedEvent(
  vault: Vault,
  { channel, sellerId, region, refreshToken, appId, rowId }: GivenGrant & { rowId: number },
): Promise<EventOf<'SellerAuthorized'>> {
  const now = Date.now()
  const id = timeOrderedEventId(now)
  const key = sellerKey(channel, sellerId)
  const subject = vault.subject('seller', key)
  const [outcome] = await vault.seal([{ subject, eventId: id, plaintext: refreshToken }])
  return createEvent({
    id,
    type: 'SellerAuthorized',
    source: '/test',
    subject: `sellers/${channel}/${sellerId}`,
    time: now,
    partitionkey: key,
    data: {
      channel,
      sellerId,
      rowId,
      appId,
      sellerName: '',
      region,
      spiServerCodes: null,
      authorizedTime: now,
      subject,
      sealed: outcome?.kind === 'sealed' ? outcome.jwe : null,
      refreshTokenExpiresIn: 0,
      refreshTokenExpiresTime: 0,
    },
  })
}

async function showSeller(database: Database, { data }: EventOf<'SellerAuthorized'>): Promise<void> {
  const info = JSON.stringify({ authorizedTime: data.authorizedTime })
  const shown = await database.query<WriteResult>(
    'UPDATE eg_order_app_seller SET refresh_token = ?, attach_info = ? WHERE channel = ? AND seller_id = ?',
    [data.sealed, info, data.channel, data.sellerId],
  )
  if (shown.affectedRows > 0) return
  await database.query(
    `INSERT INTO eg_order_app_seller (id, channel, seller_id, order_app_id, region, refresh_token, attach_info, create_time)
     VALUES (?)`,
    [[data.rowId, data.channel, data.sellerId, data.appId, data.region, data.sealed, info, data.authorizedTime]],
  )
}

function notifiedEvent(given: { sellerId: string; orderId: string; traceparent?: string | undefined }): Event {
  const { sellerId, orderId, traceparent } = given
  const id = timeOrderedEventId()
  return createEvent({
    id,
    type: 'OrderNotified',
    source: '/test',
    subject: `orders/${EBAY}/${sellerId}/${orderId}`,
    time: Date.now(),
    partitionkey: orderKey(EBAY, sellerId, orderId),
    ...(traceparent === undefined ? {} : { traceparent }),
    data: { channel: EBAY, sellerId, orderId, topic: 'ORDER_CONFIRMATION', notificationId: id, notifiedTime: Date.now() },
  })
}

/** Reads every event of the log, partition by partition; what was read before is not read again. */
function createReader(log: EventLog): () => Promise<Event[]> {
  const known: Event[][] = Array.from({ length: PARTITIONS }, () => [])
  let reading = Promise.resolve()
  async function readOn(): Promise<void> {
    for (const [partition, events] of known.entries()) {
      for (let from = events.length; ; from = events.length) {
        const slice = await log.read(ORDER_TOPIC, partition, from)
        events.push(...slice.events.map(({ event }) => decodeEvent(event)))
        if (slice.events.length === 0) break
      }
    }
  }
  return async () => {
    reading = reading.then(readOn)
    await reading
    return known.flat()
  }
}
