import { execFile } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createEbay } from '@tributary/channels/ebay'
import { openEventLog } from '@tributary/event-log'
import { createRowIds } from '@tributary/events'
import { createIngest } from '@tributary/ingest'
import { createLogger } from '@tributary/runtime'
import { createHttpServer } from '@tributary/runtime/http'
import type { EbaySimulator } from '@tributary/test/simulators/ebay'
import { openVault } from '@tributary/vault'
import type { SignedRequest } from './ingest-client.ts'
import { benchDatabase } from './server.ts'

/** Somewhere to post to. */
export type Target = { url: string; close(): Promise<void> }

/** Each names another order and has another id: nothing is answered from what is known already. */
export function signedRequests(ebay: EbaySimulator, count: number): SignedRequest[] {
  return Array.from({ length: count }, () => {
    const order = { orderId: randomUUID(), orderLineItems: [{ orderLineItemId: '1', listingId: '1', quantity: 1 }] }
    const user = { userId: 'SYNuser0001', username: 'synthetic_seller_1' }
    const body = JSON.stringify(ebay.notifications.message('ORDER_CONFIRMATION', { user, order }))
    return { body, signature: ebay.keys.header(Buffer.from(body), ebay.keys.current) }
  })
}

/** Notifications a second, sent by a process of its own. Throws unless every one was taken. */
export async function notificationRate(target: Target, requests: readonly SignedRequest[], folder: string): Promise<number> {
  const file = join(folder, 'requests.json')
  await writeFile(file, JSON.stringify(requests))
  const client = join(import.meta.dirname, 'ingest-client.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [client, target.url, file])
  const { seconds, answers } = JSON.parse(stdout) as { seconds: number; answers: Record<string, number> }
  if (answers['204'] !== requests.length) throw new Error(`not every request was taken: ${JSON.stringify(answers)}`)
  return requests.length / seconds
}

/** Ingest as it is served, access lines and all; the lines go nowhere. */
export async function ourIngest(ebay: EbaySimulator): Promise<Target> {
  const { url, database, drop } = await benchDatabase('ingest')
  const log = await openEventLog({ url, database, partitions: 8 })
  const vault = await openVault({ database, masterKeys: [randomBytes(32)] })
  const logger = createLogger({ level: 'info', format: 'json', destination: { write: () => {} } })
  const app = {
    id: 1,
    channel: 1,
    name: 'bench',
    clientId: ebay.app.clientId,
    clientSecret: ebay.app.clientSecret,
    developerId: '',
    scopes: [],
    redirectUri: ebay.app.ruName,
    attachInfo: {},
  }
  const channel = createEbay({ urls: ebay.urls, app: async () => app, budget: { take: async () => {} } })
  const channels = new Map([[1, channel]])
  const rowIds = createRowIds({ worker: 0 })
  const ingest = createIngest({ configuration: {}, database, log, vault, channels, rowIds, logger })
  const server = createHttpServer({ host: '127.0.0.1', port: 0, logger, routers: [ingest.router], health: [ingest] })
  await server.start()
  return {
    url: `${server.url}/open/order/callback/1`,
    async close() {
      await server.stop()
      await ingest.stop()
      await log.close()
      await drop()
    },
  }
}
