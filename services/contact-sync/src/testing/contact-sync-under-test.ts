import { randomBytes } from 'node:crypto'
import { type CorpName, type Database, listCorps, openDatabase } from '@tributary/database'
import { type EventLog, openEventLog, readSlices } from '@tributary/event-log'
import { CONTACT_TOPIC, type ContactPart, createRowIds, decodeEvent, type Event } from '@tributary/events'
import { createLogger } from '@tributary/runtime'
import { migratedTestDatabase, type Relay, startRelay } from '@tributary/test/servers'
import { createWecomSimulator, type SimulatedCorp, type WecomSimulator } from '@tributary/test/simulators/wecom'
import { openSettings, openVault, type Settings, type Vault } from '@tributary/vault'
import { authorizationCodeName, type Fields, suiteTicketName } from '@tributary/wecom'
import { createContactSync } from '../contact-sync.ts'
import type { ContactSyncContext, Pace } from '../context.ts'

export const CUSTOMER = 'keyfil'
const PARTITIONS = 3

/** As quick as a test wants it. */
export const QUICK: Pace = {
  idle: { shortest: 5, longest: 50 },
  claim: 60_000,
  retry: { shortest: 20, longest: 100 },
  catchUp: 10_000,
  api: { timeout: 30_000, busy: 5, limited: 10 },
}

/** A change of a directory as its readers see it. */
export type Told = { changeType: string; origin: string; timestamp: number; fields: Fields }

/** A contact-sync over a real database and a simulated WeCom. */
export type ContactSyncUnderTest = {
  readonly wecom: WecomSimulator
  /** Stands before the database, for all but `reading`. */
  readonly relay: Relay
  readonly database: Database
  readonly log: EventLog
  readonly vault: Vault
  readonly settings: Settings
  readonly context: ContactSyncContext
  readonly lines: string[]
  /** Starts one more process; `stop` ends all. */
  start(pace?: Pace): ReturnType<typeof createContactSync>
  stop(): Promise<void>
  /** A ticket of now, as a callback would have left it. */
  ticket(time?: number): Promise<void>
  /** A code of a new authorization, as a callback would have left it. */
  authorize(corp: SimulatedCorp): Promise<CorpName>
  nameOf(corp: SimulatedCorp): CorpName
  events(): Promise<Event[]>
  /** Every `ContactChanged`, opened, in log order. */
  told(): Promise<Told[]>
  /** What the table says of the readings of a corp. */
  reading(corp: CorpName): Promise<Awaited<ReturnType<typeof listCorps>>[number] | undefined>
  reset(): Promise<void>
  close(): Promise<void>
}

export async function prepareContactSync(): Promise<ContactSyncUnderTest> {
  const { url, database: looked, drop } = await migratedTestDatabase('contact_sync')
  const relay = await startRelay(url)
  const masterKey = randomBytes(32)
  const lines: string[] = []
  let stage = await openStage()
  let services: ReturnType<typeof createContactSync>[] = []

  async function openStage() {
    const wecom = await createWecomSimulator()
    const database = openDatabase(relay.url)
    const log = await openEventLog({ url: relay.url, database, partitions: PARTITIONS })
    const vault = await openVault({ database, masterKeys: [masterKey] })
    const logger = createLogger({ level: 'trace', format: 'json', destination: { write: (line) => void lines.push(line) } })
    const { selfBuilt: _apps, ...customer } = wecom.customer
    const configuration = {
      wework: { [CUSTOMER]: { ...customer, selfBuilt: {} } },
      contactSync: { intervalHours: 24, callsPerSecond: 150 },
    }
    const context: ContactSyncContext = { configuration, database, log, vault, rowIds: createRowIds({ worker: 1 }), logger }
    return { wecom, database, log, vault, context, settings: openSettings({ database, vault }) }
  }

  async function stop(): Promise<void> {
    await Promise.all(services.map((service) => service.stop()))
    services = []
  }

  async function events(): Promise<Event[]> {
    const found: Event[] = []
    for (let partition = 0; partition < PARTITIONS; partition += 1)
      for await (const slice of readSlices(stage.log, CONTACT_TOPIC, partition))
        found.push(...slice.events.map(({ event }) => decodeEvent(event)))
    return found
  }

  const nameOf = (corp: SimulatedCorp): CorpName => ({
    customer: CUSTOMER,
    suiteId: stage.wecom.suite.suiteId,
    corpId: corp.corpId,
  })

  return {
    relay,
    get wecom() {
      return stage.wecom
    },
    get database() {
      return stage.database
    },
    get log() {
      return stage.log
    },
    get vault() {
      return stage.vault
    },
    get settings() {
      return stage.settings
    },
    get context() {
      return stage.context
    },
    lines,
    start(pace = QUICK) {
      const service = createContactSync(stage.context, pace)
      services.push(service)
      void service.start()
      return service
    },
    stop,
    async ticket(time = Date.now()) {
      const { SuiteTicket: value } = stage.wecom.ticket() as { SuiteTicket: string }
      await stage.settings.put(suiteTicketName({ customer: CUSTOMER, suiteId: stage.wecom.suite.suiteId }), { value, time })
    },
    async authorize(corp) {
      const { AuthCode: value } = stage.wecom.authorize(corp) as { AuthCode: string }
      const name = nameOf(corp)
      await stage.settings.put(authorizationCodeName(name, value.slice(0, 8)), { value, time: Date.now() })
      return name
    },
    nameOf,
    events,
    async told() {
      const told: Told[] = []
      for (const event of await events()) {
        if (event.type !== 'ContactChanged' || event.data.sealed === null) continue
        const { subject, sealed, changeType, origin, timestamp } = event.data
        const [outcome] = await stage.vault.open([{ subject, eventId: event.id, jwe: sealed }])
        if (outcome?.kind !== 'opened') continue
        told.push({ changeType, origin, timestamp, fields: (JSON.parse(outcome.plaintext) as ContactPart).fields })
      }
      return told
    },
    async reading({ customer, suiteId, corpId }) {
      return (await listCorps(looked)).find(
        (one) => one.customer === customer && one.suiteId === suiteId && one.corpId === corpId,
      )
    },
    async reset() {
      await stop()
      await stage.log.close()
      await stage.database.close()
      await stage.wecom.close()
      const rows = await looked.query<{ name: string }[]>(
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name LIKE 'tributary\\_%'",
      )
      for (const { name } of rows.filter((row) => !/migration|pseudonym/.test(row.name)))
        await looked.query('DELETE FROM ??', [name])
      lines.length = 0
      stage = await openStage()
    },
    async close() {
      await stop()
      await stage.log.close()
      await stage.database.close()
      await stage.wecom.close()
      await relay.close()
      await drop()
    },
  }
}
