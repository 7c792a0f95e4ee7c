import { join } from 'node:path'
import { startKafka } from '@tributary/test/servers'

/** Where the log of the sandbox can be. */
export type LogName = 'mysql' | 'kafka' | 'eventstoredb'

/** A server of a log that is not in MariaDB. */
export type LogServer = { name: string; url: string; port: number; stop(): Promise<void> }

/** What is started beside MariaDB, for the first line. */
export const describeLog = (log: LogName): string =>
  ({ mysql: '', kafka: ', Apache Kafka', eventstoredb: ', a stand-in for EventStoreDB (in memory)' })[log]

/** Starts the server that the log needs; undefined for the log in MariaDB. */
export async function startLogServer(log: LogName, folder: string): Promise<LogServer | undefined> {
  if (log === 'mysql') return undefined
  if (log === 'kafka') return { name: 'Kafka', ...(await startKafka({ folder: join(folder, 'kafka') })) }
  const { startEventStoreDb } = await import('@tributary/test/servers/eventstoredb')
  return { name: 'EventStoreDB', ...(await startEventStoreDb()) }
}
