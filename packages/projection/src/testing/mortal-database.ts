import { type Database, openDatabase } from '@tributary/database'

type Send = (text: string, values: unknown, done: Done) => unknown
type RawConnection = { query: Send; execute: Send; destroy(): void }
type Done = (error: Error | null, result?: unknown) => void

/** A pool that dies with one of its statements, as the pool of a process that is killed. */
export type MortalDatabase = Database & {
  /** Aborts at the moment of death. */
  readonly death: AbortSignal
}

/**
 * Dies when the `dieAt`-th statement, or the first that matches it, is sent: nothing that was sent is answered any more and every socket is gone. `after`
 * says whether that statement still reaches the server, whose work is then done without anybody knowing.
 */
export function openMortalDatabase(url: string, { dieAt, after }: { dieAt: number | RegExp; after: boolean }): MortalDatabase {
  const database = openDatabase(url, { connections: 4 })
  const death = new AbortController()
  const known = new Set<RawConnection>()
  const pending = new Set<Done>()
  let sent = 0
  const gone = () => Object.assign(new Error('The process was killed.'), { code: 'PROTOCOL_CONNECTION_LOST', fatal: true })

  function die(): void {
    death.abort(gone())
    for (const raw of known) raw.destroy()
    for (const done of pending) done(gone())
    pending.clear()
  }

  function watch(raw: RawConnection): void {
    if (known.has(raw)) return
    known.add(raw)
    raw.query = mortal(raw.query.bind(raw))
    raw.execute = mortal(raw.execute.bind(raw))
  }

  function mortal(send: Send): Send {
    return (text, values, done) => {
      sent += 1
      if (dieAt instanceof RegExp ? !death.signal.aborted && dieAt.test(text) : sent === dieAt) {
        if (after) send(text, values, () => {})
        die()
      }
      if (death.signal.aborted) return done(gone())
      pending.add(done)
      return send(text, values, (error, result) => {
        if (pending.delete(done)) done(error, result)
      })
    }
  }

  const client = database.knex.client as { acquireConnection(): Promise<RawConnection> }
  const acquire = client.acquireConnection.bind(client)
  client.acquireConnection = async () => {
    if (death.signal.aborted) throw gone()
    const raw = await acquire()
    watch(raw)
    return raw
  }
  return Object.assign(database, { death: death.signal })
}
