import { createCipheriv } from 'node:crypto'
import { expect } from 'chai'
import fc from 'fast-check'
import { envelope, settings } from '../testing/vectors.ts'
import { callbackSecrets, receiveCallback } from './callback.ts'
import { seal } from './cipher.ts'
import { type FieldValue, readFields } from './fields.ts'
import { readMessage } from './message.ts'
import { sign } from './signature.ts'

const { token, encodingAESKey, suiteId } = settings()
const secrets = callbackSecrets(token, encodingAESKey)
const acceptance = { receiveIds: [suiteId], suiteId }
const RUNS = 50_000

const OF_OPENING = new Set([
  'bad_base64',
  'bad_ciphertext_length',
  'bad_padding',
  'too_short',
  'bad_msg_len',
  'bad_utf8',
  'receive_id_mismatch',
  'bad_xml',
  'bad_json',
  'suite_id_mismatch',
])

/** Pieces of which XML and JSON are made, in every order that nobody would write. */
const piece = fc.oneof(
  fc.constantFrom(
    ...[
      '<xml>',
      '</xml>',
      '<a>',
      '</a>',
      '<a/>',
      '<Item>',
      '</Item>',
      '<![CDATA[',
      ']]>',
      '<!DOCTYPE x',
      '<!--',
      '-->',
      '<?xml ',
    ],
    ...[
      '?>',
      '&amp;',
      '&#x110000;',
      '&e;',
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      '"',
      '\\u',
      '1e999',
      'null',
      '<__proto__>',
      '\u0000',
      '\ufeff',
    ],
    `<SuiteId>${suiteId}</SuiteId>`,
  ),
  fc.string({ unit: 'binary', maxLength: 8 }),
)
const text = fc.array(piece, { maxLength: 24 }).map((pieces) => pieces.join(''))

/** Any bytes under the right key, so that every check behind the cipher gets its turn. */
function sealedBytes(bytes: Uint8Array): string {
  const cipher = createCipheriv('aes-256-cbc', secrets.key.key, secrets.key.iv).setAutoPadding(false)
  return Buffer.concat([cipher.update(bytes), cipher.final()]).toString('base64')
}

const encrypted = fc.oneof(
  fc.string({ maxLength: 80 }).map((random) => random.replaceAll(/[^ -~]|[\]<>&]/g, '')),
  fc.uint8Array({ maxLength: 8, minLength: 0 }).map((bytes) => Buffer.from(bytes).toString('base64')),
  fc.uint8Array({ minLength: 32, maxLength: 32 }).map(sealedBytes),
  fc
    .record({ length: fc.integer({ min: 0, max: 80 }), padding: fc.integer({ min: 1, max: 32 }) })
    .map(({ length, padding }) => {
      const bytes = Buffer.alloc(64, padding)
      bytes.writeUInt32BE(length, 16)
      return sealedBytes(bytes)
    }),
  text.map((message) => seal(secrets.key, { message, receiveId: suiteId })),
)

const isText = (value: FieldValue): boolean =>
  typeof value === 'string' || (Array.isArray(value) ? value : Object.values(value)).every(isText)

describe('the opener and the parser under 100,000 inputs', () => {
  it('read any text into texts, or refuse it with a reason', () => {
    fc.assert(
      fc.property(text, (given) => {
        const result = readFields(given)
        if (result.kind === 'refused') return result.reason === 'bad_xml' || result.reason === 'bad_json'
        return isText(result.fields) && typeof readMessage(result.fields).kind === 'string'
      }),
      { numRuns: RUNS },
    )
  })

  it('open any ciphertext, or refuse it with a reason', () => {
    const met = new Set<string>()
    const signed = { timestamp: '1', nonce: '2' }
    fc.assert(
      fc.property(encrypted, (given) => {
        const query = { ...signed, signature: sign(token, { ...signed, encrypted: given.trim() }) }
        const result = receiveCallback(secrets, { query, body: envelope(given) }, acceptance)
        if (result.kind === 'received') return isText(result.fields)
        met.add(result.reason)
        return OF_OPENING.has(result.reason)
      }),
      { numRuns: RUNS },
    )
    // Random inputs that never reach a check prove nothing about it.
    for (const reason of [
      'bad_base64',
      'bad_ciphertext_length',
      'bad_padding',
      'bad_msg_len',
      'receive_id_mismatch',
      'bad_xml',
    ])
      expect([...met]).to.include(reason)
  })
})
