import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { ISocketFactory } from 'kafkajs'

/** Longer than this without a packet, and a connection is asked whether it still lives; kafkajs's own value, milliseconds. */
const KEEP_ALIVE = 60_000

/**
 * The sockets of one client. kafkajs forgets a connection when two callers dial the same broker at once, and never closes it:
 * a process would not end. Whoever closes the log destroys what kafkajs left open.
 */
export function createSockets(): { open: ISocketFactory; destroyAll(): void } {
  const sockets = new Set<Socket>()
  return {
    open({ host, port, ssl, onConnect }) {
      const name = isIP(host) ? {} : { servername: host }
      const socket = ssl ? connectTls({ host, port, ...name, ...ssl }, onConnect) : connect({ host, port }, onConnect)
      socket.setKeepAlive(true, KEEP_ALIVE)
      letGoOnce(socket)
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      return socket
    },
    destroyAll() {
      for (const socket of sockets) socket.destroy()
    },
  }
}

/**
 * kafkajs lets go of a socket at each of its disconnects, which may be many for one socket. One that is not connected yet, or
 * no longer, puts that off by a listener each time, and Node warns at the eleventh.
 */
function letGoOnce(socket: Socket): void {
  const letGo = socket.unref
  let isLetGo = false
  socket.unref = () => {
    if (isLetGo) return socket
    isLetGo = true
    return letGo.call(socket)
  }
}
