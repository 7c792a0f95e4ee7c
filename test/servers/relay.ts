import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Stands between us and a database, so that a test can break or stall the real connections. */
export type Relay = {
  /** The database's address through the relay. */
  url: string
  /** Breaks every connection and refuses new ones, until `heal`. */
  cut(): void
  /** Passes nothing on any more, without a word, until `heal`. */
  stall(): void
  /**
   * Passes nothing on any more, without a word and for good, on the connections that stand, not even that the other side has
   * ended them, as a firewall that has lost its table. New ones go through.
   */
  forget(): void
  heal(): void
  /**
   * Lets the next statement that begins like this through, and breaks the connection in place of its answer: it is done, and
   * whoever asked cannot know. With `then`, of what follows on that connection the answer to that one. Resolves when that has
   * happened. In place of `breakWhere`, until then.
   */
  loseAnswerTo(statement: string, then?: string): Promise<void>
  /** Asks about everything that is sent to the database whether the connection breaks there, and how. */
  breakWhere(choose: ChooseBreak | undefined): void
  close(): Promise<void>
}

/**
 * How a connection breaks at a statement. `before`: the server never gets it. `answer`: it is done, and no answer comes. `half`: half
 * an answer comes. `late`: none comes, and it is done so much later, when its sender has long been told that the connection is gone.
 */
export type Break = { kind: 'before' | 'answer' | 'half' } | { kind: 'late'; milliseconds: number }

/** `connection` is the same for everything that one connection sends. */
export type ChooseBreak = (chunk: Buffer, connection: Socket) => Break | undefined

/** With `renumber` the server's greeting numbers sessions otherwise than the server does, as some proxies do. */
export async function startRelay(databaseUrl: string, { renumber = false }: { renumber?: boolean } = {}): Promise<Relay> {
  const target = new URL(databaseUrl)
  const pairs = new Set<[Socket, Socket]>()
  let mode: 'open' | 'cut' | 'stalled' = 'open'
  let choose: ChooseBreak | undefined
  const end = (pair: [Socket, Socket]) => {
    pairs.delete(pair)
    for (const socket of pair) socket.destroy()
  }
  const server = createServer((near) => {
    if (mode === 'cut') return near.destroy()
    const far = connect(Number(target.port || 3306), target.hostname)
    const pair: [Socket, Socket] = [near, far]
    pairs.add(pair)
    near.on('data', (chunk) => {
      const chosen = choose?.(chunk, near)
      if (chosen?.kind !== 'before' && chosen?.kind !== 'late') far.write(chunk)
      if (chosen) breakAt(chosen, pair, chunk)
    })
    if (renumber) far.once('data', renumberSession)
    far.on('data', (chunk) => near.write(chunk))
    for (const socket of pair) {
      socket.on('error', () => end(pair)).on('close', () => end(pair))
      if (mode === 'stalled') socket.pause()
    }
  })

  function breakAt(chosen: Break, pair: [Socket, Socket], chunk: Buffer): void {
    const [near, far] = pair
    if (chosen.kind === 'before') {
      end(pair)
      return
    }
    far.removeAllListeners('data').once('data', (answer) => {
      if (chosen.kind === 'half') near.end(answer.subarray(0, answer.length >> 1))
      far.destroy()
    })
    if (chosen.kind !== 'late') return
    // The far end outlives the near one.
    near.removeAllListeners('close').destroy()
    setTimeout(() => {
      if (pairs.has(pair)) far.write(chunk)
    }, chosen.milliseconds)
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(databaseUrl)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    cut() {
      mode = 'cut'
      for (const pair of [...pairs]) end(pair)
    },
    stall() {
      mode = 'stalled'
      for (const pair of pairs) for (const socket of pair) socket.pause()
    },
    forget() {
      for (const pair of pairs)
        for (const socket of pair) socket.removeAllListeners('data').removeAllListeners('close').resume()
    },
    heal() {
      mode = 'open'
      for (const pair of pairs) for (const socket of pair) socket.resume()
    },
    loseAnswerTo: (statement, then) =>
      new Promise((happened) => {
        choose = lossOf(statement, then, (connection) => {
          choose = undefined
          connection.once('close', () => happened())
        })
      }),
    breakWhere(chosen) {
      choose = chosen
    },
    async close() {
      for (const pair of [...pairs]) end(pair)
      server.close()
      await once(server, 'close')
    },
  }
}

/** Chooses the answer to a statement, or to the first `then` behind it on its connection. */
function lossOf(statement: string, then: string | undefined, chosen: (connection: Socket) => void): ChooseBreak {
  let speaker: Socket | undefined
  return (chunk, connection) => {
    if (!speaker && chunk.includes(statement)) {
      speaker = connection
      if (then !== undefined) return undefined
    }
    if (speaker !== connection || !chunk.includes(then ?? statement)) return undefined
    chosen(connection)
    return { kind: 'answer' }
  }
}

/** Changes the number in a server's greeting, in place: it stands behind the version, which a zero ends. */
function renumberSession(greeting: Buffer): void {
  const at = greeting.indexOf(0, 5) + 1
  greeting.writeUInt32LE(greeting.readUInt32LE(at) + 1_000_000, at)
}
