import { findCorp } from '@tributary/database'
import type { WeworkCustomer } from '@tributary/runtime'
import type { Handler, RawRequest, Route } from '@tributary/runtime/http'
import {
  type Acceptance,
  type Received,
  type RefusalReason,
  type Refused,
  receiveCallback,
  verifyAddress,
} from '@tributary/wecom'
import type express from 'express'
import type { Keeper } from '../keeper.ts'
import { countCallback, countSignatureFailure } from '../measure.ts'
import { type CallbackReception, origin } from '../reception.ts'
import type { Work } from '../work.ts'
import type { Address, Addresses } from './addresses.ts'
import type { Unreadable, WeworkContext } from './context.ts'
import { keepMessage } from './keep-message.ts'
import { quarantine } from './quarantine.ts'

/** The largest change of a tag names a thousand members and has 90 KB; a megabyte of anything is none of WeCom's. */
const BODY_LIMIT = 256 * 1024

/** `kept`, or why it went to quarantine. */
export type CallbackOutcome = 'kept' | RefusalReason

export type Parts = {
  addresses: Addresses
  keeper: Keeper<CallbackReception, CallbackOutcome>
  unreadable: Unreadable
}

/** One callback on its way: where it came to, what it may be sealed for, and the answer that says yes. */
type Callback = { address: Address; acceptance: Acceptance; yes: 'success' | '' }

/**
 * The addresses that are registered at WeCom: the command and the data address of a suite, and that of an app that a corp
 * built itself. A yes is given for nothing that is not kept.
 */
export function weworkRoutes(context: WeworkContext, parts: Parts): Route[] {
  const { addresses } = parts
  const route = (path: string, callbackOf: (request: RawRequest) => Callback): Route => ({
    path: `/wework/verify/:name/${path}`,
    get: verify(context, callbackOf),
    post: { bodyLimit: BODY_LIMIT, handle: receive(context, parts, callbackOf) },
  })
  return [
    route('command', (request) => {
      const address = addresses.suite(request)
      return { address, acceptance: { receiveIds: address.messages, suiteId: address.suiteId }, yes: 'success' }
    }),
    route('data/:corpId', (request) => {
      const address = { ...addresses.suite(request), corpId: String(request.params['corpId']) }
      return { address, acceptance: { receiveIds: [address.corpId, ...address.messages] }, yes: '' }
    }),
    route('self-built/:app', (request) => {
      const address = addresses.selfBuilt(request)
      return { address, acceptance: { receiveIds: address.messages }, yes: '' }
    }),
  ]
}

const queryOf = (request: RawRequest) => {
  const query = new URLSearchParams(request.url.split('?')[1] ?? '')
  const value = (name: string) => query.get(name) ?? ''
  return { signature: value('msg_signature'), timestamp: value('timestamp'), nonce: value('nonce'), echo: value('echostr') }
}

/** The opened text alone, without quotes, a mark or a line end: WeCom compares it to the byte. */
function verify({ logger }: WeworkContext, callbackOf: (request: RawRequest) => Callback): Handler {
  return (request, response) => {
    const { address } = callbackOf(request)
    const result = verifyAddress(address.secrets, queryOf(request), { receiveIds: address.verification })
    if (result.kind === 'verified') {
      answer(response, 200, result.answer)
      return
    }
    logger.warn({ customer: address.customer, reason: result.reason }, 'WeCom could not verify its callback address')
    countCallback(address.customer, result.reason)
    if (result.reason === 'bad_signature') countSignatureFailure('wecom')
    answer(response, 403, '')
  }
}

function receive(context: WeworkContext, parts: Parts, callbackOf: (request: RawRequest) => Callback): Handler {
  return async (request, response) => {
    const callback = callbackOf(request)
    const { address, acceptance, yes } = callback
    const result = receiveCallback(address.secrets, { query: queryOf(request), body: request.body }, acceptance)
    if (result.kind === 'refused' && !isForAnother(result.reason)) {
      refuse(context, parts.unreadable, { address, response, reason: result.reason })
      return
    }
    const kept = await parts.keeper.keep(receptionOf(callback, request, result)).catch((error: unknown) => {
      countCallback(address.customer, 'not-kept')
      throw error
    })
    countCallback(address.customer, kept.place === 'log' ? kept.answer : 'spooled')
    answer(response, 200, yes)
  }
}

const isForAnother = (reason: RefusalReason): boolean => reason === 'receive_id_mismatch' || reason === 'suite_id_mismatch'

function receptionOf({ address }: Callback, request: RawRequest, result: Received | Refused): CallbackReception {
  const { customer, suiteId, corpId, messages } = address
  return {
    kind: 'callback',
    ...origin(),
    address: { customer, suiteId, messages, ...(corpId === undefined ? {} : { corpId }) },
    path: request.path,
    result,
    body: request.body,
  }
}

/**
 * Keeps a message, or puts it in quarantine when it is signed and not for us. Both get their yes: anything else would be
 * sent again, and fails the review of a suite.
 */
export const keepCallback =
  (context: WeworkContext, customers: Readonly<Record<string, WeworkCustomer>>): Work<CallbackReception, CallbackOutcome> =>
  async ({ address, path, result, body, ...origin }, append) => {
    if (result.kind === 'received' && (await isOfKnownCorp(context, customers, address, result))) {
      await keepMessage({ context, append, address, received: result, origin })
      return 'kept'
    }
    const reason = result.kind === 'refused' ? result.reason : 'receive_id_mismatch'
    await quarantine(context.database, { customer: address.customer, address: path, reason, body })
    context.logger.error({ customer: address.customer, reason }, 'a signed callback of WeCom is not for us')
    return reason
  }

/** On the data address a message may be sealed for a corp: one that is configured, or whose authorization we know. */
async function isOfKnownCorp(
  { database }: WeworkContext,
  customers: Readonly<Record<string, WeworkCustomer>>,
  { customer, suiteId, corpId, messages }: CallbackReception['address'],
  { receiveId }: Received,
): Promise<boolean> {
  if (suiteId === '' || receiveId !== corpId || messages.includes(receiveId)) return true
  if (Object.hasOwn(customers[customer]?.corps ?? {}, corpId)) return true
  const corp = await findCorp(database, { customer, suiteId, corpId })
  return corp?.state === 'authorized'
}

/** 403 and 400 tell a stranger nothing. What is signed but cannot be read is our trouble, so WeCom shall try again. */
function refuse({ logger }: WeworkContext, unreadable: Unreadable, refusal: Refusal): void {
  const { address, response, reason } = refusal
  countCallback(address.customer, reason)
  if (reason === 'bad_signature') countSignatureFailure('wecom')
  const status = reason === 'bad_signature' ? 403 : reason === 'bad_envelope' ? 400 : 500
  if (status === 500) {
    logger.error({ customer: address.customer, reason }, 'a signed callback of WeCom cannot be read')
    unreadable.count += 1
    unreadable.lastTime = Date.now()
  }
  answer(response, status, '')
}

type Refusal = { address: Address; response: express.Response; reason: RefusalReason }

/** Node writes the body as it is given: no mark, no line end. */
function answer(response: express.Response, status: number, text: string): void {
  response.status(status).type('text/plain; charset=utf-8').send(text)
}
