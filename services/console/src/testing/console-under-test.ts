import { randomBytes } from 'node:crypto'
import { type Database, openDatabase } from '@tributary/database'
import { type EventLog, openEventLog } from '@tributary/event-log'
import { type Event, encodeEvent, ORDER_TOPIC } from '@tributary/events'
import { type Configuration, createLogger } from '@tributary/runtime'
import { createHttpServer } from '@tributary/runtime/http'
import { migratedTestDatabase, startRelay } from '@tributary/test/servers'
import { openVault, type Vault } from '@tributary/vault'
import { addApiKey, type Scope } from '../access/api-keys.ts'
import { createConsole } from '../console.ts'
import type { Endpoints } from '../endpoints.ts'

const GROUPS = { orderSpi: 'spi', weworkEventWebhook: 'webhooks' }

export type ConsoleUnderTest = Awaited<ReturnType<typeof startConsole>>

/** The API over a real database and log, with one seller `shop` of eBay (row 5) and what the tests add. */
export async function startConsole(
  configuration: Partial<Configuration['console']> = {},
  wework: Configuration['wework'] = {},
  /** Who knows the endpoints; without, there are none. */
  endpointsOf: (parts: { database: Database; log: EventLog; vault: Vault }) => Endpoints = () => async () => [],
  trustedProxies: readonly string[] = [],
) {
  const stage = await migratedTestDatabase('console')
  const { database } = stage
  const relay = await startRelay(stage.url)
  const throughRelay = openDatabase(relay.url)
  const log = await openEventLog({ url: relay.url, database: throughRelay, partitions: 1 })
  const logger = createLogger({ level: 'silent', format: 'json' })
  const vault = await openVault({ database, masterKeys: [randomBytes(32)] })
  const parts = { database: throughRelay, log, vault }
  const { router } = createConsole({
    ...{ ...parts, endpoints: endpointsOf(parts) },
    configuration: {
      wework,
      consumerGroups: GROUPS,
      console: { requestsPerMinute: 10_000, externalUrls: [], ...configuration },
    },
  })
  const http = createHttpServer({ host: '127.0.0.1', port: 0, trustedProxies, logger, routers: [router], health: [] })
  await http.start()
  await database.query(
    "INSERT INTO eg_order_app_seller (id, channel, seller_id, order_app_id, refresh_token, create_time) VALUES (5, 1, 'shop', 2, 'sealed', 1)",
  )
  const keys = new Map<string, string>()

  async function keyWith(scopes: readonly Scope[]): Promise<string> {
    const name = scopes.join(' ')
    const key = keys.get(name) ?? (await addApiKey(database, { name, scopes })).key
    keys.set(name, key)
    return key
  }

  return {
    ...{ database, log, vault, http, keyWith },
    /** Between the API and the database; what a test looks at goes around it. */
    relay,
    /** Adds an order of the seller, with the lines `line-1` (2 units) and `line-2` (1 unit). */
    async addOrder(id: number, status: string): Promise<string> {
      const orderId = `order-${id}`
      await database.query(
        `INSERT INTO eg_order_order (id, channel, order_app_seller_id, order_id, status, buyer_name, receiver_city, create_time, update_time)
         VALUES (?, 1, '5', ?, ?, 'Hidden Name', 'Hidden City', 1, ?)`,
        [id, orderId, status, id * 100],
      )
      await database.query('INSERT INTO eg_order_order_detail (order_id, line_item_id, quantity, create_time) VALUES ?', [
        [
          [id, 'line-1', 2, 1],
          [id, 'line-2', 1, 1],
        ],
      ])
      return orderId
    },
    append: (event: Event) => log.append(ORDER_TOPIC, [encodeEvent(event)]),
    get: async (path: string, scopes: readonly Scope[] = ['read']) =>
      fetch(`${http.url}${path}`, { headers: { Authorization: `Bearer ${await keyWith(scopes)}` } }),
    post: async (path: string, body: unknown = {}, scopes: readonly Scope[] = ['operate']) =>
      fetch(`${http.url}${path}`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${await keyWith(scopes)}`, 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      }),
    async close() {
      await http.stop()
      await log.close()
      await throughRelay.close()
      await relay.close()
      await stage.drop()
    },
  }
}
