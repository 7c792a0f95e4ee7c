import type { Connection as RawConnection } from 'mysql2'
import type { Presence } from './presence.ts'
import { socketOf } from './socket.ts'

/**
 * A statement may honestly take hours, so none has a time limit. What has been without an answer for so many looks is asked
 * about. Looks are counted, and no time: when our own process stands still nobody is to blame for having said nothing.
 */
const LOOKS = 3

type Session = {
  readonly raw: RawConnection
  /** Of the server it is on, by its own word. */
  readonly host: string
  statements: number
  looks: number
}

const sessions = new WeakMap<RawConnection, Session>()

/** Runs a statement on a connection; one that is watched is asked about when no answer comes. */
export async function awaitingAnswer<T>(raw: RawConnection, statement: () => Promise<T>): Promise<T> {
  const session = sessions.get(raw)
  if (!session) return statement()
  session.statements += 1
  if (session.statements === 1) session.looks = 0
  try {
    return await statement()
  } finally {
    session.statements -= 1
    session.looks = 0
  }
}

export type Watch = {
  /** `host` is the server's own name, which it gave on this connection. */
  add(raw: RawConnection, host: string): void
  end(): void
}

/**
 * Looks every so many milliseconds whether statements wait for an answer, and asks their server, once for all of them, whether
 * it still has their sessions. Those that are gone are ended here, too: their statements fail with DATABASE_UNAVAILABLE, and
 * may have been done. Nothing is asked while nothing waits. TCP by itself takes a quarter of an hour to see that a machine has
 * vanished while it owed an answer.
 */
export function watchStatements(ask: (address: string) => Promise<Presence>, look: number): Watch {
  const watched = new Set<Session>()
  let asking = false

  function silent(): Session[] {
    const found: Session[] = []
    for (const session of watched) {
      if (socketOf(session.raw).destroyed) watched.delete(session)
      else if (session.statements > 0 && ++session.looks >= LOOKS) found.push(session)
    }
    return found
  }

  /** Each is asked about at the very address it is connected to: behind a name there may be several servers. */
  async function askAbout(waiting: readonly Session[]): Promise<void> {
    const byAddress = Map.groupBy(waiting, ({ raw }) => socketOf(raw).remoteAddress)
    for (const [address, there] of byAddress) {
      if (address === undefined) continue
      const heard = there.map(({ raw }) => socketOf(raw).bytesRead)
      const presence = await ask(address)
      for (const [index, session] of there.entries()) {
        const socket = socketOf(session.raw)
        if (socket.bytesRead === heard[index] && isGone(session, presence)) socket.destroy(new Error(reasonOf(presence)))
      }
    }
  }

  const timer = setInterval(() => {
    const waiting = silent()
    if (asking || waiting.length === 0) return
    asking = true
    void askAbout(waiting).finally(() => {
      asking = false
    })
  }, look)
  timer.unref()

  return {
    add(raw, host) {
      const session = { raw, host, statements: 0, looks: 0 }
      sessions.set(raw, session)
      watched.add(session)
    },
    end: () => clearInterval(timer),
  }
}

function isGone({ raw, host }: Session, presence: Presence): boolean {
  if (presence.kind === 'unreachable') return true
  // Another server at this address, as behind a balancer, does not know whether ours is still at work.
  return presence.kind === 'sessions' && presence.host === host && !presence.ids.has(raw.threadId)
}

const reasonOf = ({ kind }: Presence): string =>
  kind === 'unreachable'
    ? 'No answer came for more than ten seconds, and nobody answers a new connection.'
    : 'No answer came for more than ten seconds, and the server has ended the session.'
