import { type EndpointKey, keysOf, MOST_KEYS, revokeKey, rotateKey, signsAt } from '@tributary/delivery'
import { Problem } from '@tributary/runtime'
import { type Static, Type } from 'typebox'
import type { CheckedRequest, ConsoleContext, Operation } from '../operation.ts'
import { closed, Nothing, Time } from '../schemas.ts'
import { changeRecorded, ENDPOINT, EndpointPath, endpointOf, recordChange } from './endpoints.ts'

const Kind = Type.Enum(['v1', 'v1a'], { description: 'v1: a shared secret; v1a: Ed25519, the receiver gets a public key.' })
const KeyView = Type.Object(
  {
    id: Type.String(),
    kind: Kind,
    isValid: Type.Boolean(),
    createTime: Time,
    validFrom: Time,
    expireTime: Type.Union([Time, Type.Null()], { description: 'null: until there is another.' }),
    publicKey: Type.Union([Type.String(), Type.Null()]),
  },
  closed,
)
const Keys = Type.Object({ keys: Type.Array(KeyView) }, closed)
const NewKeyBody = Type.Object(
  {
    kind: Type.Optional(Kind),
    overlapSeconds: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 604_800,
        description: 'How long the keys before it sign as well; a day when left out.',
      }),
    ),
    secret: Type.Optional(
      Type.String({
        pattern: '^whsec_[A-Za-z0-9+/]{32,86}={0,2}$',
        description:
          'Of v1: whsec_ and 24 to 64 random bytes in base64, made by the caller. Ask again with the same one whenever the answer did not reach you; nothing is changed twice.',
      }),
    ),
  },
  closed,
)
const NewKey = Type.Object(
  {
    id: Type.String(),
    kind: Kind,
    secret: Type.Optional(Type.String({ description: 'Of v1, unless the caller brought it. Shown this once.' })),
    publicKey: Type.Optional(Type.String({ description: 'Of v1a.' })),
    oldKeysUntil: Time,
  },
  closed,
)
const KeyPath = Type.Object(
  { ...EndpointPath.properties, keyId: Type.String({ minLength: 1, maxLength: 64, pattern: '^[\\w-]+$' }) },
  closed,
)
const Revoked = Type.Object(
  {
    id: Type.String(),
    isAnyLeft: Type.Boolean({ description: 'false: nothing is sent until there is another key.' }),
  },
  closed,
)

const DAY = 86_400

export const ENDPOINT_KEY_OPERATIONS: readonly Operation[] = [
  {
    ...{ method: 'get', path: `${ENDPOINT}/keys`, scope: 'read', parameters: EndpointPath, query: Nothing },
    summary: 'The keys of ours that sign for an endpoint, or did, without their secrets.',
    answers: { 200: { description: 'The newest first.', schema: Keys } },
    async run(context, request) {
      const { owner } = await endpointOf(context, request)
      const now = Date.now()
      return { status: 200, body: { keys: (await keysOf(context.database, owner)).map((key) => viewOf(key, now)) } }
    },
  },
  {
    ...{ method: 'post', path: `${ENDPOINT}/keys`, scope: 'operate', parameters: EndpointPath, query: Nothing },
    body: NewKeyBody,
    summary: 'Makes a new key, which signs at once; those before it sign as well, until their receiver has changed.',
    answers: {
      201: { description: 'The key, with what its receiver needs.', schema: NewKey },
      200: { description: 'The key of this secret, which signs already; nothing was changed.', schema: NewKey },
    },
    run: rotate,
  },
  {
    ...{ method: 'post', path: `${ENDPOINT}/keys/{keyId}/revoke`, scope: 'operate', parameters: KeyPath, query: Nothing },
    summary: 'Ends a key at once, and forgets its secret.',
    answers: { 200: { description: 'It signs no more; every dispatcher heeds that within seconds.', schema: Revoked } },
    run: revoke,
  },
]

function viewOf(key: EndpointKey, now: number): Static<typeof KeyView> {
  const { id, kind, createTime, validFrom, expireTime = null, publicKey = null } = key
  return { id, kind, isValid: signsAt(key, now), createTime, validFrom, expireTime, publicKey }
}

async function rotate(context: ConsoleContext, request: CheckedRequest) {
  const { name, owner } = await endpointOf(context, request)
  const { kind = 'v1', overlapSeconds = DAY, secret } = request.body as Static<typeof NewKeyBody>
  await recordChange(context.database, request, 'endpoint rotate-secret', name)
  const given = secret === undefined ? {} : { secret }
  const made = await rotateKey(context, owner, { kind, overlap: overlapSeconds * 1_000, ...given })
  if (made === 'too many')
    throw new Problem(409, 'ENDPOINT_KEYS_TOO_MANY', `${MOST_KEYS} keys of this endpoint are valid. Revoke some first.`)
  if (made === 'ended')
    throw new Problem(409, 'ENDPOINT_SECRET_ENDED', 'This secret was of a key that has ended. Make another.')
  if ('problem' in made) throw new Problem(422, 'ENDPOINT_SECRET_UNUSABLE', `The secret cannot be used. ${made.problem}`)
  const { id, handOver, oldKeysUntil, existing } = made
  const named = kind === 'v1a' ? { publicKey: handOver } : secret === undefined ? { secret: handOver } : {}
  return { status: existing ? 200 : 201, headers: { 'Cache-Control': 'no-store' }, body: { id, kind, ...named, oldKeysUntil } }
}

async function revoke(context: ConsoleContext, request: CheckedRequest) {
  const { name, owner } = await endpointOf(context, request)
  const { keyId: id } = request.path as Static<typeof KeyPath>
  const change = ['endpoint revoke-key', `${name} ${id}`] as const
  if (!(await changeRecorded(context, request, change, (connection) => revokeKey(connection, name, id))))
    throw new Problem(404, 'ENDPOINT_KEY_UNKNOWN', 'The endpoint has no valid key of this id.')
  const now = Date.now()
  const isAnyLeft = (await keysOf(context.database, owner)).some((key) => signsAt(key, now))
  return { status: 200, body: { id, isAnyLeft } }
}
