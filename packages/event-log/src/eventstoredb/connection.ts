import {
  type AllStreamSubscription,
  ErrorType,
  EventStoreDBClient,
  type ResolvedEvent,
  type StreamingRead,
} from '@eventstore/db-client'
import { withinFarewell } from '../farewell.ts'
import { EventLogError } from '../port.ts'
import { failureOf } from './failure.ts'
import type { EventStoreDbAddress } from './url.ts'

/** Milliseconds. What is not answered by then has failed: nothing waits for ever on a connection that is open. */
const PATIENCE = 15_000

/** What a server says of a request that it has understood, and what the client mends by connecting again. */
const NO_REASON_TO_LEAVE: ReadonlySet<unknown> = new Set([
  ErrorType.UNAVAILABLE,
  ErrorType.CANCELLED,
  ErrorType.WRONG_EXPECTED_VERSION,
  ErrorType.STREAM_NOT_FOUND,
  ErrorType.STREAM_DELETED,
  ErrorType.ACCESS_DENIED,
  ErrorType.MAXIMUM_APPEND_SIZE_EXCEEDED,
])

export type Connection = {
  /** One request. Throws errors of the client, and EventLogError LOG_UNAVAILABLE when no answer comes. */
  request<T>(send: (client: EventStoreDBClient) => Promise<T>): Promise<T>
  /** The events of a bounded read, none for a stream that is not there. Leaving the loop ends the read. Throws as `request`. */
  read(open: (client: EventStoreDBClient) => StreamingRead<ResolvedEvent>): AsyncGenerator<ResolvedEvent, void, void>
  subscribe(open: (client: EventStoreDBClient) => AllStreamSubscription): AllStreamSubscription
  close(): Promise<void>
}

/**
 * A client whose connection can be closed: the client's own way to dispose of it ends its calls and leaves the connection
 * open, and only a subclass reaches that.
 */
class ClosableClient extends EventStoreDBClient {
  async close(): Promise<void> {
    // Calls have to end first, and a cluster that was never dialled has to be found.
    await withinFarewell(this.dispose().then(async () => (await this.getChannel()).close()))
  }
}

/**
 * The client for an address, always the leader's: what was appended can be read at once. After a request that got no answer,
 * or one that nobody understands, the client is left for a new one: it keeps what it learned of the server, an error included,
 * for as long as it lives. Nothing is dialled. Tests shorten `patience`.
 */
export function createConnection(address: EventStoreDbAddress, patience: number = PATIENCE): Connection {
  let current = createClient(address)
  const closing = new Set<Promise<void>>()

  function leave(client: ClosableClient, error: unknown): void {
    if (client !== current || NO_REASON_TO_LEAVE.has(failureOf(error))) return
    current = createClient(address)
    const closed = client.close().finally(() => closing.delete(closed))
    closing.add(closed)
  }

  return {
    async request(send) {
      const client = current
      const silence = Promise.withResolvers<never>()
      const timer = setTimeout(() => silence.reject(unanswered(patience)), patience)
      try {
        return await Promise.race([send(client), silence.promise])
      } catch (error) {
        leave(client, error)
        throw error
      } finally {
        clearTimeout(timer)
      }
    },
    async *read(open) {
      const client = current
      const reading = open(client)
      // An error that comes when nobody reads any more would end the process.
      reading.on('error', () => {})
      const timer = setTimeout(() => reading.destroy(unanswered(patience)), patience)
      try {
        for await (const event of reading.iterator({ destroyOnReturn: false })) {
          timer.refresh()
          yield event
        }
        // A client that was left has ended its reads, and the client takes a read that it ended itself for a whole one.
        if (client !== current) throw unanswered(patience)
      } catch (error) {
        if (failureOf(error) === ErrorType.STREAM_NOT_FOUND) return
        leave(client, error)
        throw error
      } finally {
        clearTimeout(timer)
        await reading.cancel().catch(() => {})
        // What has come and nobody takes would keep the call from ending, and the client from closing.
        reading.resume()
      }
    },
    subscribe(open) {
      const subscription = open(current)
      subscription.on('error', () => {})
      return subscription
    },
    close: async () => {
      await Promise.all([current.close(), ...closing])
    },
  }
}

function createClient({ hosts, discover, security, user }: EventStoreDbAddress): ClosableClient {
  const connectionName = 'tributary'
  const [first = { address: '', port: 0 }] = hosts
  if (discover) return new ClosableClient({ discover: first, connectionName }, security, user)
  if (hosts.length > 1) return new ClosableClient({ endpoints: hosts, connectionName }, security, user)
  return new ClosableClient({ endpoint: first, connectionName }, security, user)
}

const unanswered = (patience: number): EventLogError =>
  new EventLogError('LOG_UNAVAILABLE', `The server of the log has not answered within ${patience / 1_000} seconds.`, {
    retriable: true,
  })
