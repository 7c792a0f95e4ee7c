import { randomInt } from 'node:crypto'
import { setTimeout as after } from 'node:timers/promises'
import { callbackKey, type Fields, type FieldValue, seal, sign } from '@tributary/wecom'
import { createRandom } from '../../random.ts'

/** Where callbacks go and how they are protected. */
export type CallbackAccess = { url: string; token: string; encodingAesKey: string; receiveId: string }

export type SendOptions = {
  signature?: 'right' | 'wrong' | 'missing'
  form?: 'xml' | 'json'
  /** How often the same message is sent, sealed anew each time. */
  copies?: number
  /** Whom it is sealed for, in place of the right one. */
  receiveId?: string
  /** ToUserName of the envelope, which nothing protects. */
  toUserName?: string
  /** Milliseconds between the tries. */
  pause?: number
}

/** WeCom sends three times in all, and takes nothing but 200 for a yes. */
const TRIES = 3

/** Fields as WeCom writes them: texts in CDATA, a list as an element for each. */
export function xmlOf(fields: Fields): string {
  return `<xml>${Object.entries(fields).map(elements).join('')}</xml>`
}

function elements([name, value]: readonly [string, FieldValue]): string {
  if (Array.isArray(value)) return value.map((item) => elements([name, item])).join('')
  const content =
    typeof value === 'string'
      ? /^\d+$/.test(value)
        ? value
        : `<![CDATA[${value.replaceAll(']]>', ']]]]><![CDATA[>')}]]>`
      : Object.entries(value as Fields)
          .map(elements)
          .join('')
  return `<${name}>${content}</${name}>`
}

/** One signed request: its query and its body. */
export function signedRequest(access: CallbackAccess, plaintext: string, options: SendOptions = {}) {
  const receiveId = options.receiveId ?? access.receiveId
  const encrypted = seal(callbackKey(access.encodingAesKey), { message: plaintext, receiveId })
  const timestamp = String(Math.floor(Date.now() / 1000))
  const nonce = String(randomInt(1_000_000_000))
  const right = sign(access.token, { timestamp, nonce, encrypted })
  const signature = options.signature === 'wrong' ? right.replace(/.$/, (last) => (last === '0' ? '1' : '0')) : right
  const query = new URLSearchParams({ timestamp, nonce })
  if (options.signature !== 'missing') query.set('msg_signature', signature)
  const envelope = { ToUserName: options.toUserName ?? receiveId, Encrypt: encrypted, AgentID: '' }
  const body =
    options.form === 'json' ? JSON.stringify({ tousername: receiveId, encrypt: encrypted, agentid: '' }) : xmlOf(envelope)
  return { query, body, encrypted }
}

/** Sends a callback until it is answered with 200, three times at most, and answers each status; 0 for no answer. */
export async function sendCallback(access: CallbackAccess, fields: Fields, options: SendOptions = {}): Promise<number[]> {
  const plaintext = options.form === 'json' ? JSON.stringify(fields) : xmlOf(fields)
  const statuses: number[] = []
  for (let copy = 0; copy < (options.copies ?? 1); copy += 1)
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const { status } = await post(access, signedRequest(access, plaintext, options))
      statuses.push(status)
      if (status === 200 || options.signature !== undefined) break
      if (attempt < TRIES) await after(options.pause ?? 200)
    }
  return statuses
}

/** Sends many at once, in an order that `seed` shuffles. */
export async function sendShuffled(access: CallbackAccess, messages: readonly Fields[], seed: number): Promise<number[]> {
  const random = createRandom(seed)
  const shuffled = messages
    .map((fields) => ({ fields, place: random.fraction() }))
    .sort((one, other) => one.place - other.place)
  const statuses: number[] = []
  for (const { fields } of shuffled) statuses.push(...(await sendCallback(access, fields)))
  return statuses
}

/** Asks an address to prove itself, as WeCom does when it is registered; true when the answer is right to the byte. */
export async function checkAddress(access: CallbackAccess): Promise<boolean> {
  const expected = String(randomInt(1_000_000_000_000))
  const { query, encrypted } = signedRequest(access, expected)
  query.set('echostr', encrypted)
  const response = await fetch(`${access.url}?${query}`)
  return response.status === 200 && (await response.text()) === expected
}

async function post(access: CallbackAccess, { query, body }: { query: URLSearchParams; body: string }) {
  try {
    const response = await fetch(`${access.url}?${query}`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'text/xml; charset=utf-8' },
      signal: AbortSignal.timeout(5_000),
    })
    return { status: response.status, text: await response.text() }
  } catch {
    return { status: 0, text: '' }
  }
}
