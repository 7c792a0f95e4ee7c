import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { pause } from '../pause.ts'

/**
 * Watches a server's connections and answers how to close it: connections without a request in hand end at once, the
 * others with their answer, all after `bound` ms. Node's own `close` would wait for connections that never sent a request.
 */
export function closeGracefully(server: Server): (bound: number) => Promise<void> {
  const idle = new Set<Socket>()
  let closing = false
  const rest = (socket: Socket) => {
    if (closing) socket.end()
    else if (!socket.destroyed) idle.add(socket)
  }
  server.on('connection', (socket: Socket) => {
    idle.add(socket)
    socket.once('close', () => idle.delete(socket))
  })
  server.on('request', (request, response) => {
    idle.delete(request.socket)
    response.once('close', () => rest(request.socket))
  })
  return async (bound) => {
    if (!server.listening) return
    closing = true
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    for (const socket of idle) socket.destroy()
    const finished = new AbortController()
    const late = pause(bound, finished.signal).then(() => server.closeAllConnections())
    await Promise.race([closed, late])
    finished.abort()
    await closed
  }
}
