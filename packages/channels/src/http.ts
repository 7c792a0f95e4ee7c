import { fetchFailure, observedCall, readBounded } from '@tributary/runtime'
import { ChannelError } from './port.ts'

/** What goes to a marketplace. `what` names the call in errors, for example "getOrder". */
export type Outgoing = {
  what: string
  method: 'GET' | 'POST'
  url: string
  headers: Readonly<Record<string, string>>
  body?: string
  /** The most bytes of an answer that we hold. */
  limit: number
}

/**
 * What came back, whatever the status: as bytes without a byte order mark, and as text, which is made where it is asked for.
 * `oversized` means that the limit was passed and both are empty.
 */
export type Answer = { status: number; headers: Headers; bytes: Buffer; readonly text: string; oversized: boolean }

/** The byte order mark in UTF-8. */
const MARK = Buffer.from('\ufeff')

export type Send = (outgoing: Outgoing, signal: AbortSignal) => Promise<Answer>

/** Enough for every answer that is not about orders. */
export const SMALL_ANSWER = 256 * 1024

/** Enough for several orders of the largest kind that we know (5 MB); a page beyond it is asked for again in smaller pieces. */
export const ORDERS_ANSWER = 32 * 1024 * 1024

/**
 * Sends requests that end within `timeout` milliseconds, body included. The promise rejects with the signal's reason when
 * the caller gives up, and with CHANNEL_UNAVAILABLE when the marketplace does not answer or breaks off. Errors name the call only:
 * addresses, headers and bodies carry codes, tokens and personal data. A redirect is an answer like any other and not
 * followed, because that would carry a token to another address.
 * `channel` names it in metrics, `name` to people.
 */
export function createSend({ channel, name, timeout }: { channel: string; name: string; timeout: number }): Send {
  return async (outgoing, signal) => {
    signal.throwIfAborted()
    const expired = AbortSignal.timeout(timeout)
    const { what: call, method, url } = outgoing
    try {
      return await observedCall({ channel, call, method, url }, () => exchange(outgoing, AbortSignal.any([signal, expired])))
    } catch (error) {
      if (signal.aborted) throw signal.reason
      const message = expired.aborted
        ? `${name} did not finish its answer to ${outgoing.what} within ${timeout} ms`
        : `${name} broke off or could not be reached during ${outgoing.what} (${fetchFailure(error)})`
      throw new ChannelError('CHANNEL_UNAVAILABLE', message, { remedy: 'retry', cause: error })
    }
  }
}

async function exchange(outgoing: Outgoing, signal: AbortSignal): Promise<Answer> {
  const { method, headers, body, limit } = outgoing
  const response = await fetch(outgoing.url, {
    method,
    headers,
    redirect: 'manual',
    signal,
    ...(body === undefined ? {} : { body }),
  })
  const bytes = await readBounded(response, limit)
  return answerOf(response, bytes ?? Buffer.alloc(0), bytes === null)
}

/** An answer with this body. */
export function answerOf({ status, headers }: Pick<Response, 'status' | 'headers'>, body: Buffer, oversized = false): Answer {
  const bytes = body.subarray(0, MARK.length).equals(MARK) ? body.subarray(MARK.length) : body
  return {
    ...{ status, headers, bytes, oversized },
    get text() {
      return bytes.toString()
    },
  }
}
