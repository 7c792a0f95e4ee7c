import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

/** A server below HTTP, for what no HTTP server would do. */
export type RawServer = { readonly port: number; close(): Promise<void> }

/** Starts a server on loopback; `answer` gets each connection and its first bytes. */
export async function rawServer(answer: (socket: Socket, first: Buffer) => void): Promise<RawServer> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    // What the other side does to the connection is what the test looks at from there.
    socket.on('error', () => {})
    socket.once('data', (first) => answer(socket, first))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
