import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { ISocketFactory } from 'kafkajs'

/** Longer than this without a packet, and a connection is asked whether it still lives; kafkajs's own value, milliseconds. */
const KEEP_ALIVE = 60_000

/** Looks within the patience with a broker. Looks are counted, and no time: when our own process stands still no broker is to blame. */
const LOOKS = 3

/** What had been read and written when something was heard last, and how often nothing was since. */
type Hearing = { read: number; written: number; looks: number }

/**
 * The sockets of one client. kafkajs forgets a connection when two callers dial the same broker at once, and never closes it:
 * a process would not end. Whoever closes the log destroys what kafkajs left open.
 *
 * And kafkajs keeps a connection on which nothing is answered, and fails each request on it anew. Every request of ours has an
 * answer, so one that was written to and says nothing for `patience` milliseconds, and a third of that more, is broken off.
 */
export function createSockets(patience: number): { open: ISocketFactory; destroyAll(): void } {
  const sockets = new Map<Socket, Hearing>()
  const look = setInterval(() => {
    for (const [socket, hearing] of sockets) {
      if (socket.bytesRead !== hearing.read || socket.bytesWritten === hearing.written) {
        Object.assign(hearing, { read: socket.bytesRead, written: socket.bytesWritten, looks: 0 })
      } else if (++hearing.looks > LOOKS) {
        socket.destroy(new Error(`The broker has not answered for ${patience / 1_000} seconds.`))
      }
    }
  }, patience / LOOKS).unref()
  return {
    open({ host, port, ssl, onConnect }) {
      const name = isIP(host) ? {} : { servername: host }
      const socket = ssl ? connectTls({ host, port, ...name, ...ssl }, onConnect) : connect({ host, port }, onConnect)
      socket.setKeepAlive(true, KEEP_ALIVE)
      letGoOnce(socket)
      sockets.set(socket, { read: 0, written: 0, looks: 0 })
      socket.once('close', () => sockets.delete(socket))
      return socket
    },
    destroyAll() {
      clearInterval(look)
      for (const socket of sockets.keys()) socket.destroy()
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
