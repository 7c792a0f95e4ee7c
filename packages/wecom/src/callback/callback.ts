import { type CallbackKey, callbackKey, open } from './cipher.ts'
import { type Fields, readFields, textOf } from './fields.ts'
import { type Refused, refused, WecomSettingsError } from './refusal.ts'
import { isSignature } from './signature.ts'

/** What protects one callback address. */
export type CallbackSecrets = { readonly token: string; readonly key: CallbackKey }

/** The query of a callback, each value decoded. */
export type CallbackQuery = { signature: string; timestamp: string; nonce: string }

/** Whom a sealed message may name at its end. `suiteId` is given where every message must carry it inside as well. */
export type Acceptance = { receiveIds: readonly string[]; suiteId?: string }

export type Received = { kind: 'received'; receiveId: string; fields: Fields }
export type Verified = { kind: 'verified'; answer: string }

/**
 * Checks the settings of a callback address: a token of 1 to 32 letters and digits (W96238) and an EncodingAESKey.
 * Throws WecomSettingsError.
 */
export function callbackSecrets(token: string, encodingAesKey: string): CallbackSecrets {
  if (!/^[A-Za-z0-9]{1,32}$/.test(token))
    throw new WecomSettingsError('bad_token', 'A callback token has 1 to 32 letters and digits; this one does not.')
  return { token, key: callbackKey(encodingAesKey) }
}

/** What to answer to WeCom's check of an address: the opened `echostr`, to the byte. Never throws. */
export function verifyAddress(
  secrets: CallbackSecrets,
  query: CallbackQuery & { echo: string },
  { receiveIds }: Acceptance,
): Verified | Refused {
  // A proxy or framework that reads '+' as a space breaks base64, which holds no space of its own.
  const encrypted = query.echo.replaceAll(' ', '+')
  if (!isSignature(secrets.token, { ...query, encrypted }, query.signature)) return refused('bad_signature')
  const opened = open(secrets.key, encrypted)
  if (opened.kind === 'refused') return opened
  return receiveIds.includes(opened.receiveId) ? { kind: 'verified', answer: opened.message } : refused('receive_id_mismatch')
}

/**
 * Verifies, opens and reads a callback, in the order of the protocol sheet: envelope, signature, cipher, receiveid, form,
 * suite id. ToUserName and AgentID of the envelope are outside the signature and not looked at. Never throws; the same bytes
 * always give the same result.
 */
export function receiveCallback(
  secrets: CallbackSecrets,
  { query, body }: { query: CallbackQuery; body: Buffer },
  { receiveIds, suiteId }: Acceptance,
): Received | Refused {
  const encrypted = encryptedOf(body)
  if (encrypted === undefined) return refused('bad_envelope')
  if (!isSignature(secrets.token, { ...query, encrypted }, query.signature)) return refused('bad_signature')
  const opened = open(secrets.key, encrypted)
  if (opened.kind === 'refused') return opened
  if (!receiveIds.includes(opened.receiveId)) return refused('receive_id_mismatch')
  const read = readFields(opened.message)
  if (read.kind === 'refused') return read
  if (suiteId !== undefined && textOf(read.fields, 'SuiteId') !== suiteId) return refused('suite_id_mismatch')
  return { kind: 'received', receiveId: opened.receiveId, fields: read.fields }
}

/** `Encrypt` of the envelope, XML or JSON; the JSON library writes its keys small. */
function encryptedOf(body: Buffer): string | undefined {
  const envelope = readFields(body.toString('utf8'))
  if (envelope.kind === 'refused') return undefined
  return textOf(envelope.fields, 'Encrypt') ?? textOf(envelope.fields, 'encrypt')
}
