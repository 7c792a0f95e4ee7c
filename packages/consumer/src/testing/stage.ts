import { type Connection, type Database, openDatabase } from '@tributary/database'
import { type EventLog, openEventLog, type Position } from '@tributary/event-log'
import {
  createEvent,
  derivedEventId,
  type Event,
  encodeEvent,
  ORDER_TOPIC,
  type StoredEvent,
  sellerKey,
} from '@tributary/events'
import { exampleEvent } from '@tributary/events/examples'
import { createLogger } from '@tributary/runtime'
import { migratedTestDatabase } from '@tributary/test/servers'
import type { ConsumerDefinition, Delivered } from '../definition.ts'

/** What a consumer of tests writes: one row for each time that it applies an event, so that a second time shows. */
export type Effect = { partition: number; position: Position; key: string; value: string; member: string }

/** A log and a database for tests of the loop, with a table in which effects leave their mark. */
export type Stage = {
  url: string
  /** For consumers. */
  database: Database
  /** For consumers. */
  log: EventLog
  /** One connection for the test itself, also beneath `append` and `effects`: the only one that `killConnections` spares. */
  operator: Database
  operatorLog: EventLog
  killConnections(): Promise<void>
  /** Appends one event for each value, all of one key, and answers where they stand. */
  append(key: string, ...values: string[]): Promise<{ partition: number; positions: Position[] }>
  appendStored(...events: StoredEvent[]): Promise<Position[]>
  /** In the order in which they were written. */
  effects(): Promise<Effect[]>
  close(): Promise<void>
}

export const quietLogger = createLogger({ level: 'error', format: 'json', destination: { write: () => {} } })

export async function openStage(name: string, options: { partitions?: number } = {}): Promise<Stage> {
  const { url, database, drop } = await migratedTestDatabase(name)
  const operator = openDatabase(url, { connections: 1 })
  await operator.query(EFFECT_TABLE)
  const { partitions = 2 } = options
  const log = await openEventLog({ url, database, partitions })
  const operatorLog = await openEventLog({ url, database: operator, partitions })
  let made = 0
  const appendStored: Stage['appendStored'] = async (...events) =>
    (await operatorLog.append(ORDER_TOPIC, events)).map(({ position }) => position)
  return {
    url,
    database,
    log,
    operator,
    operatorLog,
    killConnections: () => killConnections(operator),
    append: async (key, ...values) => {
      const appended = await operatorLog.append(
        ORDER_TOPIC,
        values.map((value) => storedEvent(key, value, ++made)),
      )
      return { partition: appended[0]?.partition ?? -1, positions: appended.map(({ position }) => position) }
    },
    appendStored,
    effects: () => readEffects(operator),
    close: async () => {
      await log.close()
      await operatorLog.close()
      await operator.close()
      await drop()
    },
  }
}

/** Ends every connection to the database but the one that asks. */
async function killConnections(operator: Connection): Promise<void> {
  const sessions = await operator.query<{ id: number }[]>(
    'SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()',
  )
  // One that ended by itself meanwhile is as good.
  for (const { id } of sessions) await operator.query('KILL ?', [id]).catch(() => {})
}

const EFFECT_TABLE = `CREATE TABLE test_effect (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, partition_no INT NOT NULL, position BIGINT NOT NULL,
  event_key VARCHAR(100) NOT NULL, value VARCHAR(100) NOT NULL, member VARCHAR(20) NOT NULL)`

export const readEffects = (connection: Connection): Promise<Effect[]> =>
  connection.query(
    'SELECT partition_no AS `partition`, position, event_key AS `key`, value, member FROM test_effect ORDER BY id',
  )

/** An event of a type that the tests' consumer wants. */
export const storedEvent = (key: string, value: string, number: number): StoredEvent =>
  encodeEvent(
    createEvent({
      id: derivedEventId('stage', number),
      type: 'SellerConfigured',
      source: '/tributary/test',
      subject: `sellers/1/${key}`,
      time: Date.UTC(2026, 10, 23),
      partitionkey: sellerKey(1, key),
      data: { channel: 1, sellerId: key, spiServerCodes: [value] },
    }),
  )

/** A consumer that writes effects. `apply` runs after its rows were written, so what it throws must undo them. */
export function effectsConsumer(
  options: {
    name?: string
    member?: string
    batchSize?: number
    poison?: 'park' | 'stop'
    prepare?: (delivered: readonly Delivered[], signal: AbortSignal) => Promise<void>
    apply?: (effects: readonly Effect[], connection: Connection) => Promise<void> | void
  } & Pick<ConsumerDefinition<unknown>, 'assigned' | 'committed' | 'revoked' | 'preparesAhead'> = {},
): ConsumerDefinition<readonly Effect[]> {
  const { name = 'effects', member = 'one', batchSize, poison, prepare, apply, ...hooks } = options
  return {
    name,
    topic: ORDER_TOPIC,
    group: `${name}Group`,
    types: ['SellerConfigured'],
    keyOf: (event) => event.partitionkey,
    prepare: async (delivered, signal) => {
      await prepare?.(delivered, signal)
      return delivered.map((one) => effectOf(one, member))
    },
    apply: async (connection, effects) => {
      const rows = effects.map((effect) => [effect.partition, effect.position, effect.key, effect.value, effect.member])
      await connection.query('INSERT INTO test_effect (partition_no, position, event_key, value, member) VALUES ?', [rows])
      await apply?.(effects, connection)
    },
    ...hooks,
    ...(batchSize === undefined ? {} : { batchSize }),
    ...(poison === undefined ? {} : { poison }),
  }
}

const effectOf = ({ partition, position, event }: Delivered, member: string): Effect => {
  const { sellerId, spiServerCodes } = configured(event)
  return { partition, position, key: sellerId, value: spiServerCodes[0] ?? '', member }
}

const configured = (event: Event) => {
  if (event.type !== 'SellerConfigured') throw new TypeError(`${event.type} was not wanted.`)
  return event.data
}

/** An event of a type that the tests' consumer does not want. */
export const unwantedEvent = (number: number): StoredEvent =>
  encodeEvent(exampleEvent('OrderNotified', derivedEventId('unwanted', number)))

/** Something that a test holds up until it opens it. */
export function gate(): { opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { opened: promise, open: resolve }
}
