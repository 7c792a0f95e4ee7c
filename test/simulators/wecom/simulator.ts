import { randomBytes } from 'node:crypto'
import type { WeworkCustomer } from '@tributary/runtime'
import type { Fields } from '@tributary/wecom'
import express from 'express'
import { serve } from '../serving.ts'
import { type ApiWorld, apiRoutes, type CallRecord } from './api-routes.ts'
import { type CallbackAccess, type SendOptions, sendCallback } from './callbacks.ts'
import { createCorp, type SimulatedCorp } from './directory.ts'
import { type CallName, createFaults, type Fault } from './faults.ts'

/** A WeCom that plays a suite of a provider and an app that a corp built itself, over HTTP on loopback. */
export type WecomSimulator = {
  /** For `qifu.eg.wework-map`: where the API is, and what protects the callbacks. */
  readonly customer: WeworkCustomer
  readonly suite: ApiWorld['suite']
  readonly corps: ReadonlyMap<string, SimulatedCorp>
  /** The corp that built an app itself, named `app` in the configuration. */
  readonly selfBuilt: SimulatedCorp
  /** Every call that arrived, oldest first; the last 20,000. */
  readonly calls: readonly CallRecord[]
  count(call: CallName): number
  fail(fault: Fault): void
  heal(): void
  /** Ends every access token, as WeCom may at any time. */
  expireTokens(): void
  addCorp(options: { departments: number; members: number; seed?: number }): SimulatedCorp
  /** How callbacks reach the product at `gateway`, the address of its server, under the customer's name. */
  access(gateway: string, customer: string, kind: 'command' | 'data' | 'self-built', corp?: SimulatedCorp): CallbackAccess
  /** A new ticket, which is the only one that counts from then on. */
  ticket(timestamp?: number): Fields
  /** The corp consents: the callback that says so holds a code that can be exchanged once. */
  authorize(corp: SimulatedCorp, timestamp?: number): Fields
  /** The corp takes its consent back. */
  cancel(corp: SimulatedCorp, timestamp?: number): Fields
  /** Something of the directory's changed; `fields` are UserID and so on. */
  change(corp: SimulatedCorp, changeType: string, fields: Fields, timestamp?: number): Fields
  send(access: CallbackAccess, fields: Fields, options?: SendOptions): Promise<number[]>
  close(): Promise<void>
}

const ALPHANUMERIC = /[^A-Za-z0-9]/g
const SEED = 1

/** Starts the simulator. `port` 0 or none takes a free one; `clock` moves its time. */
export async function createWecomSimulator(options: { port?: number; clock?: () => number } = {}): Promise<WecomSimulator> {
  const clock = options.clock ?? Date.now
  const protections = () => ({ token: letters(20), encodingAesKey: letters(43) })
  const world: ApiWorld = {
    suite: { suiteId: 'wwsimulated000suite', secret: letters(43), ticket: null },
    selfBuilt: { corpId: 'wwsimulated0000corp', secret: letters(43) },
    corps: new Map(),
    codes: new Map(),
    tokens: new Map(),
    faults: createFaults(),
    calls: [],
    clock,
  }
  const suiteProtection = protections()
  const ownProtection = protections()
  const providerCorpId = 'wwsimulatedprovider'
  const selfBuilt = createCorp({ seed: SEED, departments: 3, members: 10, corpId: world.selfBuilt.corpId })
  world.corps.set(selfBuilt.corpId, selfBuilt)

  const application = express()
  application.use(apiRoutes(world))
  const { origin: base, close } = await serve(application, options.port)
  const seconds = () => Math.floor(clock() / 1000)
  const ofSuite = (infoType: string, timestamp: number | undefined, fields: Fields): Fields => ({
    SuiteId: world.suite.suiteId,
    InfoType: infoType,
    TimeStamp: String(timestamp ?? seconds()),
    ...fields,
  })

  return {
    customer: {
      apiUrl: `${base}/cgi-bin`,
      webhooks: [],
      suite: { suiteId: world.suite.suiteId, providerCorpId, secret: world.suite.secret, ...suiteProtection },
      corps: {},
      selfBuilt: { app: { ...world.selfBuilt, ...ownProtection, directory: 'departments' } },
    },
    suite: world.suite,
    corps: world.corps,
    selfBuilt,
    calls: world.calls,
    count: (call) => world.calls.filter((one) => one.call === call).length,
    fail: world.faults.add,
    heal: world.faults.clear,
    expireTokens: () => world.tokens.clear(),
    addCorp({ departments, members, seed = world.corps.size + SEED }) {
      const corp = createCorp({ seed, departments, members })
      world.corps.set(corp.corpId, corp)
      return corp
    },
    access(gateway, customer, kind, corp = selfBuilt) {
      const path = { command: 'command', data: `data/${corp.corpId}`, 'self-built': 'self-built/app' }[kind]
      const receiveId = { command: world.suite.suiteId, data: corp.corpId, 'self-built': corp.corpId }[kind]
      const url = `${gateway}/wework/verify/${encodeURIComponent(customer)}/${path}`
      return { url, receiveId, ...(kind === 'self-built' ? ownProtection : suiteProtection) }
    },
    ticket(timestamp) {
      world.suite.ticket = letters(64)
      return ofSuite('suite_ticket', timestamp, { SuiteTicket: world.suite.ticket })
    },
    authorize(corp, timestamp) {
      const code = letters(64)
      world.codes.set(code, corp)
      return ofSuite('create_auth', timestamp, { AuthCode: code, State: '' })
    },
    cancel(corp, timestamp) {
      corp.permanentCode = null
      return ofSuite('cancel_auth', timestamp, { AuthCorpId: corp.corpId })
    },
    change(corp, changeType, fields, timestamp) {
      const time = String(timestamp ?? seconds())
      if (corp !== selfBuilt)
        return { ...ofSuite('change_contact', timestamp, { AuthCorpId: corp.corpId, ChangeType: changeType }), ...fields }
      const head = { ToUserName: corp.corpId, FromUserName: 'sys', CreateTime: time, MsgType: 'event', Event: 'change_contact' }
      return { ...head, ChangeType: changeType, ...fields }
    },
    send: sendCallback,
    close,
  }
}

/** Random letters and digits. */
function letters(length: number): string {
  let text = ''
  while (text.length < length) text += randomBytes(length).toString('base64').replace(ALPHANUMERIC, '')
  return text.slice(0, length)
}
