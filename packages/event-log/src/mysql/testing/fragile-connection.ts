import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** A way to a database that can be broken at will. */
export type FragileConnection = {
  /** The address of the database through here. */
  url: string
  /** Ends every connection and refuses new ones. */
  cut(): void
  mend(): void
  /**
   * At the next COMMIT ends its connection: `before` the server hears of it, or `after` the server has carried it out
   * and before the client hears of that. Resolves when it has happened.
   */
  loseCommit(when: 'before' | 'after'): Promise<void>
  /** How many bytes the server has sent through here. */
  received(): number
  close(): Promise<void>
}

/** Opens a way to the server of `url`, which tells the password to nobody. */
export async function openFragileConnection(url: string): Promise<FragileConnection> {
  const target = new URL(url)
  const sockets = new Set<Socket>()
  let isCut = false
  let received = 0
  let commit: { when: 'before' | 'after'; done(): void } | undefined

  function connectThrough(client: Socket): void {
    if (isCut) return void client.destroy()
    const server = connect(Number(target.port), target.hostname)
    let answerIsLost: (() => void) | undefined
    const end = () => {
      client.destroy()
      server.destroy()
    }
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket.on('error', end)
      socket.on('close', () => {
        sockets.delete(socket)
        end()
      })
    }
    client.on('data', (chunk) => {
      if (commit && isCommit(chunk)) {
        const { when, done } = commit
        commit = undefined
        if (when === 'before') {
          end()
          return done()
        }
        answerIsLost = done
      }
      server.write(chunk)
    })
    server.on('data', (chunk) => {
      received += chunk.length
      if (!answerIsLost) return void client.write(chunk)
      end()
      answerIsLost()
    })
  }

  const proxy = createServer(connectThrough)
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const through = new URL(url)
  through.port = String((proxy.address() as AddressInfo).port)
  const endAll = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: through.href,
    cut: () => {
      isCut = true
      endAll()
    },
    mend: () => {
      isCut = false
    },
    loseCommit: (when) =>
      new Promise((done) => {
        commit = { when, done }
      }),
    received: () => received,
    close: () => closeServer(proxy, endAll),
  }
}

/** A packet of the client protocol: three bytes of length, a sequence number, COM_QUERY, the text. */
function isCommit(chunk: Buffer): boolean {
  return chunk.length === 11 && chunk[4] === 3 && chunk.subarray(5).toString() === 'COMMIT'
}

function closeServer(server: Server, endAll: () => void): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    endAll()
  })
}
