import { randomBytes } from 'node:crypto'
import type { Database } from '@tributary/database'
import type { DeliveryPolicy } from '@tributary/delivery'
import { type EventLog, openEventLog } from '@tributary/event-log'
import {
  createEvent,
  type EventOf,
  encodeEvent,
  ORDER_TOPIC,
  orderKey,
  type PersonalPart,
  timeOrderedEventId,
} from '@tributary/events'
import { EXAMPLE_DATA } from '@tributary/events/examples'
import { createLogger } from '@tributary/runtime'
import { migratedTestDatabase } from '@tributary/test/servers'
import { openVault, type Vault } from '@tributary/vault'
import { createDispatcher, type DispatcherContext } from '../dispatcher.ts'

export const SECRET = 'whsec_c2VjcmV0LWZvci10ZXN0cy1vbmx5LTMyLWJ5dGVz'
export const SELLER = 'u7rnQmKSS5e'
export const GROUP = 'egOrderSpiConsumerGroup'

/** A log, a vault and a seller, for tests of the dispatcher. */
export type Stage = {
  readonly url: string
  readonly masterKey: Buffer
  readonly database: Database
  readonly log: EventLog
  readonly vault: Vault
  /** Registers an SPI service, created in the past unless told, and answers its row id. */
  addService(code: string, options?: { secret?: string; createTime?: number; name?: string }): Promise<number>
  /** Gives a seller its row with these codes, or new codes. */
  setCodes(codes: readonly string[], sellerId?: string): Promise<void>
  /** Appends snapshots of orders, in this order, and answers their webhook ids. */
  appendOrders(orders: readonly string[], options?: { sellerId?: string; time?: number }): Promise<string[]>
  /** A dispatcher of this process that knows these services by name. */
  dispatcher(services: Record<string, string>, policy?: Partial<DeliveryPolicy>): ReturnType<typeof createDispatcher>
  count(table: 'lane' | 'waiting' | 'attempt'): Promise<number>
  /** Sum over partitions of how far an endpoint has come. */
  cursor(code: string): Promise<number>
  close(): Promise<void>
}

const quietLogger = createLogger({ level: 'error', format: 'json', destination: { write: () => {} } })

/**
 * Times for tests, a thousandth of the real ones; fewer connections, so that queues fill. No try is moved aside for taking long, and
 * those under way at the end of a partition have the real time: a slow machine would send them again.
 */
export const QUICK: Partial<DeliveryPolicy> = {
  schedule: [20, 40, 80, 160, 320, 640, 1_280, 2_560, 5_120],
  patience: 60_000,
  again: 50,
  resumeEvery: 50,
  limits: { fresh: 8, widest: 16, lane: 4, slow: 8, failingAfter: 5, probeEvery: 50, most: 1_000 },
}

export async function openStage(name: string, { partitions = 2 } = {}): Promise<Stage> {
  return openStageOn(await migratedTestDatabase(name), { partitions })
}

/** A stage on a database that has every migration, with its log there or at `logUrl`; `drop` is called when it closes. */
export async function openStageOn(
  { url, database, drop }: Awaited<ReturnType<typeof migratedTestDatabase>>,
  { partitions, logUrl = url }: { partitions: number; logUrl?: string },
): Promise<Stage> {
  const masterKey = randomBytes(32)
  const log = await openEventLog({ url: logUrl, database, partitions, lease: 1_000 })
  const vault = await openVault({ database, masterKeys: [masterKey] })
  return {
    url,
    masterKey,
    database,
    log,
    vault,
    addService: (code, options) => addService(database, code, options),
    setCodes: (codes, sellerId = SELLER) => setCodes(database, codes, sellerId),
    appendOrders: (orders, options) => appendOrders({ log, vault }, orders, options),
    dispatcher: (services, policy = QUICK) => createDispatcher(contextOf({ database, log, vault }, services, policy)),
    count: async (table) => {
      const [row] = await database.query<{ rows: number }[]>(`SELECT COUNT(*) AS \`rows\` FROM tributary_delivery_${table}`)
      return row?.rows ?? 0
    },
    cursor: async (code) => {
      const rows = await database.query<{ next: number }[]>(
        'SELECT next_position AS next FROM tributary_cursor WHERE consumer = ?',
        [`${GROUP}:${code}`],
      )
      return rows.reduce((sum, row) => sum + row.next, 0)
    },
    close: async () => {
      await log.close()
      await drop()
    },
  }
}

/** The context of a dispatcher that knows these services. */
export const contextOf = (
  parts: Pick<DispatcherContext, 'database' | 'log' | 'vault'>,
  spiServices: Record<string, string>,
  policy: Partial<DeliveryPolicy>,
): DispatcherContext => ({
  ...parts,
  configuration: {
    consumerGroups: { orderSpi: GROUP, weworkEventWebhook: 'unused' },
    spiServices,
    wework: {},
    delivery: { allowAddresses: ['127.0.0.0/8'], attemptsDays: 30, hosts: {}, endpoints: {} },
  },
  logger: quietLogger,
  policy,
  lookEvery: 100,
})

async function addService(
  database: Database,
  code: string,
  { secret = SECRET, createTime = 0, name = code }: { secret?: string; createTime?: number; name?: string } = {},
): Promise<number> {
  const { insertId } = await database.query<{ insertId: number }>(
    'INSERT INTO eg_spi (type, server_code, server_name, secret, create_time) VALUES (1, ?, ?, ?, ?)',
    [code, name, secret, createTime],
  )
  return insertId
}

async function setCodes(database: Database, codes: readonly string[], sellerId: string): Promise<void> {
  const values = [codes.join(','), 1, sellerId]
  const { affectedRows } = await database.query<{ affectedRows: number }>(
    'UPDATE eg_order_app_seller SET spi_server_codes = ? WHERE channel = ? AND seller_id = ?',
    values,
  )
  if (affectedRows > 0) return
  await database.query(
    "INSERT INTO eg_order_app_seller (spi_server_codes, channel, seller_id, order_app_id, refresh_token, create_time) VALUES (?, ?, ?, 1, '', 0)",
    values,
  )
}

async function appendOrders(
  { log, vault }: { log: EventLog; vault: Vault },
  orders: readonly string[],
  { sellerId = SELLER, time = Date.now() }: { sellerId?: string; time?: number } = {},
): Promise<string[]> {
  const made = orders.map((orderId) => ({ id: timeOrderedEventId(), orderId, subject: vault.subject('ebay:user', orderId) }))
  const plaintext = JSON.stringify(PERSONAL)
  const sealed = await vault.seal(made.map(({ id, subject }) => ({ subject, eventId: id, plaintext })))
  const events = made.map(({ id, orderId, subject }, index) => {
    const seal = sealed[index]
    return orderReceived({ id, sellerId, orderId, time, subject, sealed: seal?.kind === 'sealed' ? seal.jwe : null })
  })
  await log.append(ORDER_TOPIC, events.map(encodeEvent))
  return events.map(({ id }) => `msg_${id}`)
}

/** What every order of the stage says about its buyer. */
const PERSONAL: PersonalPart = { buyer: { name: 'Alma Example' }, receiver: { city: 'Hamburg' }, original: '{}' }

function orderReceived(options: {
  id: string
  sellerId: string
  orderId: string
  time: number
  subject: string
  sealed: string | null
}): EventOf<'OrderReceived'> {
  const { id, sellerId, orderId, time, subject, sealed } = options
  return createEvent({
    id,
    type: 'OrderReceived',
    source: '/tributary/test',
    subject: `orders/1/${sellerId}/${orderId}`,
    time,
    partitionkey: orderKey(1, sellerId, orderId),
    data: { ...EXAMPLE_DATA.OrderReceived, sellerId, orderId, subject, sealed },
  })
}

/** The key under which the simulated receiver files an order of the stage's seller. */
export const keyAt = (orderId: string, sellerId = SELLER): string => `1:${sellerId}:${orderId}`
