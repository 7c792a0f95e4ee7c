import { startConsumer } from '@tributary/consumer'
import { type CorpName, type DirectoryReading, ensureCorp, listCorps, processIdentity } from '@tributary/database'
import { type Service, startWorkLoop } from '@tributary/runtime'
import { openSettings } from '@tributary/vault'
import { exchangeCodes, noticeSilence } from './authorizations.ts'
import { type ContactSyncContext, PACE, type Pace, type SyncContext } from './context.ts'
import { openCustomers } from './customers.ts'
import { directoryConsumer } from './directory-consumer.ts'
import { judgeContactSync } from './health.ts'
import { ReadingLost, readClaimed } from './readings.ts'
import { createTokenStore } from './token-store.ts'

const NAME = 'contact-sync'
/** Directories read at once by one process. */
const MOST_READINGS = 2

const keyOf = ({ customer, suiteId, corpId }: CorpName): string => JSON.stringify([customer, suiteId, corpId])

/**
 * Keeps directories true that callbacks alone would not: exchanges the codes of new authorizations, and reads each
 * directory after an authorization, after a change of one, after a silence and once a day. Any number of processes share the
 * work; without a customer of WeCom there is none. `pace` is for tests.
 */
export function createContactSync(context: ContactSyncContext, pace: Pace = PACE): Service {
  let running: ReturnType<typeof startParts> | undefined
  const isConfigured = Object.keys(context.configuration.wework).length > 0
  return {
    name: NAME,
    async start() {
      if (isConfigured) running ??= startParts(syncContext(context, pace))
    },
    async health() {
      if (!isConfigured) return { name: NAME, status: 'ok', details: { corps: 0 } }
      return running ? await running.health() : { name: NAME, status: 'down', reason: 'It has not been started.' }
    },
    async stop() {
      await running?.stop()
    },
  }
}

/** What the parts share, made of what the platform gives. */
export function syncContext(given: ContactSyncContext, pace: Pace): SyncContext {
  return { ...given, pace, logger: given.logger.child({ service: NAME }), settings: openSettings(given) }
}

function startParts(context: SyncContext) {
  const { database, log, logger, vault } = context
  const customers = openCustomers(context, createTokenStore(context))
  const consumer = startConsumer({ definition: directoryConsumer(vault), database, log, logger })

  const owner = processIdentity()
  const inHand = new Map<string, Promise<void>>()

  async function turn(signal: AbortSignal): Promise<boolean> {
    let found = false
    for (const suite of customers.suites) {
      await noticeSilence(context, suite)
      found = (await attempt('codes could not be exchanged', () => exchangeCodes(context, suite, signal))) || found
    }
    for (const corp of customers.selfBuilt) await ensureCorp(database, corp)
    return (await beginReading(signal)) || found
  }

  /** Of a claim of ours that is in nobody's hand the answer got lost, or that of its end. */
  const isFree = ({ dueTime, claimedBy }: DirectoryReading) => dueTime <= Date.now() || claimedBy === owner

  /** A reading may take minutes, and a code that waits is worth ten, so readings go on beside the turns. */
  async function beginReading(signal: AbortSignal): Promise<boolean> {
    if (inHand.size >= MOST_READINGS) return false
    const due = (await listCorps(database)).find(
      (corp) => corp.state === 'authorized' && isFree(corp) && !inHand.has(keyOf(corp)),
    )
    if (!due) return false
    const key = keyOf(due)
    const work = attempt('a directory could not be read', async () => {
      const reading = await readClaimed(context, customers, due, { owner, signal })
      if (reading) logger.info({ customer: due.customer, corpId: due.corpId, ...reading }, 'a directory was read')
    }).finally(() => {
      inHand.delete(key)
      loop.wake()
    })
    inHand.set(key, work)
    return true
  }

  /** What is tried again by itself costs a line and no more. */
  async function attempt<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof ReadingLost) logger.info(error.message)
      else logger.warn({ err: error }, what)
      return undefined
    }
  }

  const loop = startWorkLoop({
    turn,
    failed: (error) => logger.error({ err: error }, 'a turn failed and is tried again'),
    idle: context.pace.idle,
  })
  return {
    health: async () => judgeContactSync(context, customers, await consumer.health()),
    async stop() {
      await loop.stop()
      await Promise.all(inHand.values())
      await consumer.stop()
    },
  }
}
