import { readdirSync, readFileSync } from 'node:fs'
import type { Fields } from '../callback/fields.ts'

const FOLDER = new URL('../../../../test/fixtures/wecom/', import.meta.url)

export type Settings = {
  token: string
  encodingAESKey: string
  suiteId: string
  providerCorpId: string
  authCorpId: string
  selfBuiltCorpId: string
}

/** A request with all that is known about it. `parsed` and `idempotency` are of POSTs only. */
export type Vector = {
  name: string
  channel: 'suite-command' | 'suite-data' | 'self-built'
  request: {
    method: 'GET' | 'POST'
    query: { msg_signature: string; timestamp: string; nonce: string; echostr?: string }
    rawQuery?: string
    body?: string
  }
  crypto: { randomAscii: string }
  receiveId: string
  acceptReceiveIds: string[]
  plaintext: string
  parsed?: Fields
  idempotency?: { canonical: string; key: string }
  expectedResponse: { status: number; body: string }
}

export type NegativeVector = {
  id: string
  timestamp: string
  nonce: string
  encrypt: string
  msg_signature: string
  encodingAESKey?: string
  expectError: string
  expectStatus?: number
}

export function fixture<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as T
}

export const settings = (): Settings => fixture<Settings>('00-config.json')

/** Every request that is to be taken. */
export function vectors(): Vector[] {
  const names = readdirSync(FOLDER).filter((name) => /^[0-8]\d-.*\.json$/.test(name) && name !== '00-config.json')
  return names.sort().map((name) => fixture<Vector>(name))
}

export const negativeVectors = (): NegativeVector[] => fixture<{ cases: NegativeVector[] }>('90-negative.json').cases

export const envelope = (encrypt: string): Buffer =>
  Buffer.from(`<xml><ToUserName><![CDATA[x]]></ToUserName><Encrypt><![CDATA[${encrypt}]]></Encrypt><AgentID></AgentID></xml>`)
