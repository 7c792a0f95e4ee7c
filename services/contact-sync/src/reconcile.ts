import { startConsumer } from '@tributary/consumer'
import { type CorpName, ensureCorp, listCorps, processIdentity } from '@tributary/database'
import { syncContext } from './contact-sync.ts'
import { type ContactSyncContext, PACE } from './context.ts'
import { openCustomers } from './customers.ts'
import { directoryConsumer } from './directory-consumer.ts'
import type { Reading } from './reading.ts'
import { type Asked, readClaimed } from './readings.ts'
import { createTokenStore } from './token-store.ts'

/**
 * Reads the directory of a corp now, by hand, whether or not a service runs. Undefined when another process is reading it, or when the corp is unknown or
 * took its consent back. Throws WecomError, DatabaseError, EventLogError.
 */
export async function reconcile(
  given: ContactSyncContext,
  corp: CorpName,
  asked: Asked & { signal: AbortSignal },
): Promise<Reading | undefined> {
  const context = syncContext(given, PACE)
  const customers = openCustomers(context, createTokenStore(context))
  if (corp.suiteId === '') await ensureCorp(context.database, corp)
  const known = (await listCorps(context.database)).find(
    ({ customer, suiteId, corpId, state, claimedBy, dueTime }) =>
      customer === corp.customer &&
      suiteId === corp.suiteId &&
      corpId === corp.corpId &&
      state === 'authorized' &&
      (claimedBy === null || dueTime <= Date.now()),
  )
  if (!known) return undefined
  const { database, log, logger, vault } = context
  const consumer = startConsumer({ definition: directoryConsumer(vault), database, log, logger })
  try {
    return await readClaimed(context, customers, known, { owner: processIdentity(), ...asked })
  } finally {
    await consumer.stop()
  }
}
