import { randomUUID } from 'node:crypto'
import { openDatabase } from '@tributary/database'
import { type EventLog, openEventLog, type RecordedEvent, readSlices } from '@tributary/event-log'
import { anEvent } from '@tributary/event-log/testing'
import type { StoredEvent } from '@tributary/events'

/** A new, empty log on a real server. Another driver gives one of these and has its tests. */
export type LogUnderTest = {
  /** For `openEventLog`, also in another process. */
  url: string
  /** Where a log that is elsewhere keeps its event ids and groups. */
  databaseUrl?: string
  /** Whether positions have no gaps. */
  dense: boolean
  /** Removes the log's content and lets go of its server. */
  drop(): Promise<void>
}

export type MakeLog = () => Promise<LogUnderTest>

export const PARTITIONS = 6
/** Short, so that take-over by time can be seen; long enough for a loaded machine to renew ten times in it. */
export const LEASE = 2_000

/**
 * One log for the tests of a `describe`, each on a topic of its own. `open` gives one more instance, with connections of
 * its own, as another process would have it; it is closed after the test.
 */
export function useLog(makeLog: MakeLog): { open(): Promise<EventLog>; topic(): string; server(): LogUnderTest } {
  let server: LogUnderTest
  let topic = ''
  const opened: EventLog[] = []
  before(async function () {
    this.timeout(60_000)
    server = await makeLog()
  })
  beforeEach(() => {
    topic = `TOPIC_${randomUUID().slice(0, 8)}`
  })
  afterEach(() => Promise.all(opened.splice(0).map((log) => log.close())))
  after(() => server.drop())
  return {
    open: async () => {
      const log = await openUnderTest(server)
      opened.push(log)
      return log
    },
    topic: () => topic,
    server: () => server,
  }
}

/** One instance, with connections of its own. */
export async function openUnderTest({ url, databaseUrl }: Pick<LogUnderTest, 'url' | 'databaseUrl'>): Promise<EventLog> {
  if (databaseUrl === undefined) return await openEventLog({ url, partitions: PARTITIONS, lease: LEASE })
  const database = openDatabase(databaseUrl)
  const log = await openEventLog({ url, database, partitions: PARTITIONS, lease: LEASE })
  return {
    ...log,
    close: async () => {
      await log.close()
      await database.close()
    },
  }
}

export { anEvent }

/** Events of many keys, numbered within each key from 0 in `data`, keys taking turns. */
export function eventsOfKeys(keys: number, each: number): StoredEvent[] {
  return Array.from({ length: keys * each }, (_, index) =>
    anEvent({ partitionkey: `key-${index % keys}`, data: JSON.stringify({ number: Math.floor(index / keys) }) }),
  )
}

/** Everything that stands in a topic, partition after partition. */
export async function readAll(log: EventLog, topic: string): Promise<RecordedEvent[]> {
  const all: RecordedEvent[] = []
  for (const [partition, to] of (await log.ends(topic)).entries())
    for await (const { events } of readSlices(log, topic, partition, { to })) all.push(...events)
  return all
}

export const idsOf = (events: readonly { event: StoredEvent }[]): string[] => events.map(({ event }) => event.id)
