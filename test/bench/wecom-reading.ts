/**
 * Reads a simulated directory into an empty log in a process of its own, and prints as JSON how many seconds that took and
 * what the same lists cost alone, and how many MB were alive after a tenth of the members and at the end.
 * Reads `{ url, masterKey, customer }` from the environment variable BENCH_INPUT.
 */
import { reconcile } from '@tributary/contact-sync'
import { openDatabase } from '@tributary/database'
import { openEventLog } from '@tributary/event-log'
import { createRowIds } from '@tributary/events'
import { createLogger, type WeworkCustomer } from '@tributary/runtime'
import { openVault } from '@tributary/vault'
import { createContactsApi, createSendCall } from '@tributary/wecom'

const CUSTOMER = 'bench'
const AT_ONCE = 8
const MEGABYTE = 2 ** 20

const { url, masterKey, customer } = JSON.parse(process.env['BENCH_INPUT'] ?? '{}') as {
  url: string
  masterKey: string
  customer: WeworkCustomer
}
const app = customer.selfBuilt['app']
if (!app?.secret) throw new Error('The input has no app.')
const { corpId, secret } = app
const signal = new AbortController().signal
const bareSeconds = await secondsOf(readLists)

const database = openDatabase(url)
const log = await openEventLog({ url, database, partitions: 4 })
const vault = await openVault({ database, masterKeys: [Buffer.from(masterKey, 'hex')] })
const logger = createLogger({ level: 'silent', format: 'json' })
// As fast as it goes: WeCom's own limits would be all that is measured.
const configuration = { wework: { [CUSTOMER]: customer }, contactSync: { intervalHours: 24, callsPerSecond: 1_000_000 } }
const context = { configuration, database, log, vault, rowIds: createRowIds({ worker: 0 }), logger }
let early = 0
const seconds = await secondsOf(() =>
  reconcile(
    context,
    { customer: CUSTOMER, suiteId: '', corpId },
    {
      signal,
      onProgress: ({ done, total }) => {
        if (early === 0 && total !== undefined && done > total / 10) early = living()
      },
    },
  ),
)
const late = living()
process.stdout.write(JSON.stringify({ seconds, bareSeconds, early, late }))
await log.close()
await database.close()

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now()
  await work()
  return (performance.now() - begin) / 1_000
}

function living(): number {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / MEGABYTE
}

async function readLists(): Promise<void> {
  const send = createSendCall({ apiUrl: customer.apiUrl })
  const { access_token: token } = await send({ call: 'gettoken', query: { corpid: corpId, corpsecret: secret } }, signal)
  const api = createContactsApi(send, { token: async () => String(token), rejected: async () => {} })
  const departments = await api.departments(signal)
  for (let start = 0; start < departments.length; start += AT_ONCE)
    await Promise.all(departments.slice(start, start + AT_ONCE).map(({ id }) => api.membersOf(id, signal)))
}
