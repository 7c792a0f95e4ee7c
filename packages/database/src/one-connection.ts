import { histogram } from '@tributary/runtime'
import type { Knex } from 'knex'
import type { Connection as RawConnection } from 'mysql2'
import type { Connection, QueryOptions } from './database.ts'
import { type DriverError, databaseError } from './driver-errors.ts'
import { DatabaseError } from './errors.ts'
import { observed } from './observed-statement.ts'
import { packetLimit } from './session.ts'
import { leastBytes, mostBytes } from './statement-size.ts'
import { awaitingAnswer } from './unanswered-statements.ts'

/** The part of knex's client that lends connections. Going through it, both ways in share one bounded pool. */
type Lender = { acquireConnection(): Promise<RawConnection>; releaseConnection(connection: RawConnection): Promise<unknown> }

const waits = histogram({
  name: 'db_client_connection_wait_time_seconds',
  help: 'How long work waited for a connection of the pool.',
})

/** A borrowed connection. `broken` is set by an error after which the session is in an unknown state. */
export type BorrowedConnection = Connection & { broken: boolean }

/** Runs `work` on one connection of the pool. A broken connection is closed, never put back. */
export async function onOneConnection<T>(pool: Knex, work: (connection: BorrowedConnection) => Promise<T>): Promise<T> {
  const lender: Lender = pool.client
  const started = performance.now()
  const raw = await lender.acquireConnection().catch((error: unknown) => {
    throw databaseError(error)
  })
  waits.record((performance.now() - started) / 1_000, {})
  const connection = borrow(raw)
  try {
    return await work(connection)
  } finally {
    // The pool checks a connection before it lends it and drops one whose socket is gone.
    if (connection.broken) raw.destroy()
    await lender.releaseConnection(raw)
  }
}

function borrow(raw: RawConnection): BorrowedConnection {
  const connection: BorrowedConnection = {
    broken: false,
    query: <R>(text: string, values?: readonly unknown[], options?: QueryOptions) =>
      observed(text, () => awaitingAnswer(raw, () => run<R>(text, values, options))),
  }
  const run = <R>(text: string, values: readonly unknown[] | undefined, { prepared = false }: QueryOptions = {}) =>
    new Promise<R>((resolve, reject) => {
      refuseTooLarge(raw, text, values)
      const done = (error: DriverError | null, result: unknown) => {
        if (!error) return resolve(result as R)
        const reported = databaseError(error, text)
        // The pool does not know yet that the server has hung up.
        if (reported.code === 'DATABASE_UNAVAILABLE') connection.broken = true
        reject(reported)
      }
      if (prepared) raw.execute(text, values as string[], done)
      else raw.query(text, values as unknown[], done)
    })
  return connection
}

/** A server that gets far too large a statement hangs up without a word; asked again, it would do so for ever. */
function refuseTooLarge(raw: RawConnection, text: string, values: readonly unknown[] | undefined): void {
  const limit = packetLimit(raw)
  if (mostBytes(text) + mostBytes(values) <= limit) return
  // Of a prepared statement the text has gone before, and stands for what goes beside each value: as much as `?, `.
  const bytes = leastBytes(text) + leastBytes(values)
  if (bytes <= limit) return
  throw new DatabaseError(
    'DATABASE_PACKET_TOO_LARGE',
    `A statement of ${bytes} bytes is larger than the server accepts (max_allowed_packet = ${limit}). Raise it on the server.`,
  )
}
