import { answerText } from './answer-text.ts'
import { type Exchange, exchangeOnce } from './exchange.ts'
import { ADDRESS_REFUSED, ANSWER_LIMIT, type Outcome, outcomeOf } from './outcome.ts'
import type { Reach } from './reach/addresses.ts'
import { type Connections, createConnections, type HostWay } from './reach/connections.ts'
import type { DeliveryRequest } from './request.ts'

/** Milliseconds: for the whole try, from the first packet to the last byte of the answer that we read. */
const DEADLINE = 15_000

export type Sender = {
  /**
   * POSTs once and says how it ended; follows no redirect. Throws only the reason of `signal`, when that aborts first;
   * the receiver may then have got the request or not.
   */
  send(request: DeliveryRequest, options: { signal: AbortSignal; deadline?: number }): Promise<Outcome>
  /** Drops every connection. A send that is under way ends as failed. */
  close(): Promise<void>
}

/**
 * A sender with one pool of connections for each origin, shared by all endpoints there; it dials nothing out of `reach`.
 * `hosts` says by host name which are reached through a proxy, or shown a certificate of ours.
 */
export function createSender(options: { reach: Reach; hosts?: Readonly<Record<string, HostWay>>; deadline?: number }): Sender {
  const connections = createConnections({ reach: options.reach, hosts: options.hosts ?? {} })
  return {
    send: (request, { signal, deadline }) => sendOnce(connections, request, signal, deadline ?? options.deadline ?? DEADLINE),
    close: () => connections.close(),
  }
}

async function sendOnce(
  connections: Connections,
  request: DeliveryRequest,
  signal: AbortSignal,
  deadline: number,
): Promise<Outcome> {
  signal.throwIfAborted()
  const started = performance.now()
  const durationMs = () => Math.round(performance.now() - started)
  const url = new URL(request.url)
  const exchange: Exchange = { status: 0, retryAfter: undefined, contentEncoding: '', body: [] }
  let isLate = false
  let timer: NodeJS.Timeout | undefined
  let stop = () => {}
  try {
    const dispatcher = await connections.to(url)
    signal.throwIfAborted()
    if (dispatcher === 'refused') return addressRefused({ status: 0, answer: '', durationMs: durationMs() })
    const { headers, body } = request
    const { done, end } = exchangeOnce(dispatcher, { url, headers, body, limit: ANSWER_LIMIT }, exchange)
    timer = setTimeout(() => {
      isLate = true
      end(LATE)
    }, deadline - durationMs())
    stop = () => end(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    await done
    const { status, retryAfter, contentEncoding } = exchange
    const took = durationMs()
    const text = await answerText(exchange.body, contentEncoding, ANSWER_LIMIT)
    return outcomeOf({ status, body: text, retryAfter, durationMs: took, now: Date.now() })
  } catch (error) {
    signal.throwIfAborted()
    const { status } = exchange
    const came = { status, answer: '', durationMs: durationMs() }
    if (isLate) return { kind: 'timed-out', reason: status === 0 ? 'no answer' : 'answer not finished', ...came }
    return connectionOutcome(error, came)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}

const LATE = new Error('The deadline has passed.')

const addressRefused = (came: { status: number; answer: string; durationMs: number }): Outcome => ({
  kind: 'address-refused',
  reason: ADDRESS_REFUSED,
  ...came,
})

function connectionOutcome(error: unknown, came: { status: number; answer: string; durationMs: number }): Outcome {
  const { code, syscall } = causeOf(error)
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return { kind: 'timed-out', reason: 'no connection', isUnreached: true, ...came }
  if (code === 'DELIVERY_ADDRESS_REFUSED') return addressRefused(came)
  // Our own aborts are answered before.
  if (code === 'UND_ERR_ABORTED' || code.startsWith('UND_ERR_PRX'))
    return { kind: 'failed', reason: 'proxy refused', isUnreached: true, ...came }
  const isTls = /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|EPROTO|HOSTNAME_MISMATCH)/.test(code)
  const isUnreached = came.status === 0 && (isTls || BEFORE_CONNECTION.has(syscall))
  const reason = `${isTls ? 'tls' : 'connection'} ${code}`.slice(0, 64)
  return { kind: 'failed', reason, ...(isUnreached ? { isUnreached } : {}), ...came }
}

/** What the system was asked for before there was a connection. */
const BEFORE_CONNECTION: ReadonlySet<string> = new Set(['connect', 'getaddrinfo'])

/** What an error is by its code and system call, or those of what caused it; several addresses tried give an AggregateError. */
function causeOf(error: unknown): { code: string; syscall: string } {
  if (!(error instanceof Error)) return { code: 'UNKNOWN', syscall: '' }
  const { code, cause, syscall } = error as Error & { code?: unknown; syscall?: unknown }
  const [first] = error instanceof AggregateError ? error.errors : [cause]
  if (typeof code !== 'string') return first === undefined ? { code: error.name, syscall: '' } : causeOf(first)
  return { code, syscall: typeof syscall === 'string' ? syscall : first === undefined ? '' : causeOf(first).syscall }
}
