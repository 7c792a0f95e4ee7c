import { connect, type Socket } from 'node:net'
import type { DatabaseAddress } from './url.ts'

/** A server that is gone without a word is noticed so long after it said something last, and some ten seconds more. */
const KEEP_ALIVE = 10_000

type Dial = DatabaseAddress & { connectTimeout: number; stream: () => Socket }

/**
 * What the driver needs to reach a server, in `reach` milliseconds, at `address` if that is given: one of those its name stands
 * for. A certificate must be for the host of the URL, whatever is dialled.
 */
export function dialOptions(server: DatabaseAddress, { reach, address }: { reach: number; address?: string }): Dial {
  const stream = (): Socket => {
    const socket = connect({
      port: server.port,
      host: address ?? server.host,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE,
    })
    // Node checks a certificate against this where it is told no name. The driver tells it none where the host is an IP
    // address, and Node remembers only a name it looked up: the certificate would have to be for `localhost`.
    return Object.assign(socket, { _host: server.host })
  }
  return { ...server, connectTimeout: reach, stream }
}
