import type { Dispatcher } from 'undici'

/** How far an exchange came. `status` is 0 until an answer began; `body` its first bytes. */
export type Exchange = { status: number; retryAfter: string | undefined; contentEncoding: string; body: Buffer[] }

type Posted = { url: URL; headers: Readonly<Record<string, string>>; body: string; limit: number }

/**
 * POSTs once and fills `exchange` as the answer comes; at most `limit` bytes of its body are taken, what is left is never
 * read. Resolves when that is there, rejects with what broke the exchange, or at once with the reason of `end` when that
 * is called.
 *
 * Written on undici's dispatch: its `request` makes a stream of each answer, and wants an AbortSignal that has both ends,
 * ours and the deadline's. Measured for a bare POST of 1 KB: 55 µs of processor time instead of 95.
 */
export function exchangeOnce(
  dispatcher: Dispatcher,
  { url, headers, body, limit }: Posted,
  exchange: Exchange,
): { done: Promise<void>; end(reason: unknown): void } {
  const { promise: done, resolve, reject } = Promise.withResolvers<void>()
  let controller: Dispatcher.DispatchController | undefined
  let ended: { reason: unknown } | undefined
  let length = 0
  /** Drops the connection, also one that is only being made. */
  const drop = (reason: unknown) => {
    ended = { reason }
    controller?.abort(reason instanceof Error ? reason : new Error('The exchange ended.', { cause: reason }))
  }
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(started) {
      controller = started
      if (ended) drop(ended.reason)
    },
    onResponseStart(_, status, answered) {
      // What comes before the answer, as 103, says nothing.
      if (status < 200) return
      exchange.status = status
      exchange.retryAfter = firstOf(answered['retry-after'])
      exchange.contentEncoding = [answered['content-encoding'] ?? ''].flat().join(',')
    },
    onResponseData(_, chunk) {
      if (ended) return
      exchange.body.push(chunk.subarray(0, limit - length))
      length += chunk.length
      if (length <= limit) return
      resolve()
      drop(ENOUGH)
    },
    onResponseEnd: () => resolve(),
    onResponseError: (_, error) => reject(error),
  }
  try {
    dispatcher.dispatch({ origin: url.origin, path: `${url.pathname}${url.search}`, method: 'POST', headers, body }, handler)
  } catch (error) {
    reject(error)
  }
  return {
    done,
    end(reason) {
      reject(reason)
      drop(reason)
    },
  }
}

const ENOUGH = new Error('No more of the answer is wanted.')

const firstOf = (header: string | string[] | undefined): string | undefined => (Array.isArray(header) ? header[0] : header)
