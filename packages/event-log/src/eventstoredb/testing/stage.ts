import { randomUUID } from 'node:crypto'
import type { StoredEvent } from '@tributary/events'
import { migratedTestDatabase } from '@tributary/test/servers'
import { type StandIn, startEventStoreDb } from '@tributary/test/servers/eventstoredb'
import { type EventLog, openEventLog, type RecordedEvent, readSlices } from '../../index.ts'
import { anEvent as anyEvent } from '../../testing/an-event.ts'

export const PARTITIONS = 3

/** A stand-in and a database for the tests of a `describe`, a topic and a log for each. */
export type Stage = {
  server(): StandIn
  topic(): string
  log(): EventLog
  /** One more log, as another process would have it; closed after the test. */
  open(url: string): Promise<EventLog>
  /** Everything that stands in the topic, partition after partition. */
  readAll(from?: EventLog): Promise<RecordedEvent[]>
  /** The ids that stand in a stream of the topic. */
  idsIn(stream: string): string[]
  /** Follows from the beginning, cursors in memory, until stopped. */
  follow(log: EventLog): { ids: string[]; stop(): Promise<void> }
}

export function useStage(): Stage {
  let database: Awaited<ReturnType<typeof migratedTestDatabase>>
  let server: StandIn
  let log: EventLog
  let topic: string
  const opened: EventLog[] = []

  before(async () => {
    ;[database, server] = await Promise.all([migratedTestDatabase('eventstoredb'), startEventStoreDb()])
  })
  after(async () => {
    await server.stop()
    await database.drop()
  })
  beforeEach(async () => {
    topic = `TOPIC_${randomUUID().slice(0, 8)}`
    log = await open(server.url)
  })
  afterEach(() => Promise.all(opened.splice(0).map((one) => one.close())))

  async function open(url: string): Promise<EventLog> {
    const one = await openEventLog({ url, database: database.database, partitions: PARTITIONS, lease: 1_000 })
    opened.push(one)
    return one
  }

  return {
    ...{ server: () => server, topic: () => topic, log: () => log, open },
    async readAll(from = log) {
      const all: RecordedEvent[] = []
      for (let partition = 0; partition < PARTITIONS; partition += 1)
        for await (const { events } of readSlices(from, topic, partition)) all.push(...events)
      return all
    },
    idsIn: (stream) => server.stream(`${topic}:${stream}`).map(({ id }) => id),
    follow(one) {
      const ids: string[] = []
      const cursors = new Map<number, number>()
      const stop = new AbortController()
      const following = one.follow({
        ...{ topic, group: 'group', signal: stop.signal },
        follower: {
          assigned: async (partition) => cursors.get(partition) ?? 0,
          batch: async (partition, { events, next }) => {
            ids.push(...events.map(({ event }) => event.id))
            cursors.set(partition, next)
          },
          revoked: async () => {},
        },
      })
      return {
        ids,
        stop: () => {
          stop.abort()
          return following
        },
      }
    },
  }
}

/** An event whose data is not as JSON.stringify would write it: it must stay as it came. */
export const anEvent = (change: Partial<StoredEvent> = {}): StoredEvent =>
  anyEvent({ time: '2026-01-02T03:04:05.678Z', partitionkey: '1:S:1', data: '{"a":  1}', ...change })
