import { randomBytes } from 'node:crypto'
import type { Database } from '@tributary/database'
import { migratedTestDatabase } from '@tributary/test/servers'
import { openVault, rewrapKeys, type Vault } from '@tributary/vault'
import { expect } from 'chai'
import { keyOf } from '../testing/signing.ts'
import { type KeyOwner, keysOf, MOST_KEYS, moveSecret, type NewKey, revokeKey, rotateKey } from './changes.ts'
import { signsAt } from './endpoint-key.ts'
import { newSecret } from './new-secret.ts'
import { endpointKeyReader } from './sealing.ts'

const DAY = 86_400_000
const [older, newer] = [randomBytes(32), randomBytes(32)]

describe('The keys of an endpoint', () => {
  let database: Database
  let vault: Vault
  let drop: () => Promise<void>
  let owner: KeyOwner
  let count = 0
  before(async () => {
    ;({ database, drop } = await migratedTestDatabase('endpoint_keys'))
    vault = await openVault({ database, masterKeys: [older] })
  })
  after(() => drop())
  beforeEach(() => {
    owner = { endpoint: `group:${count++}`, since: 0, given: newSecret('v1') }
  })

  const rotate = async (
    options: { kind?: 'v1' | 'v1a'; overlap?: number; secret?: string } = {},
    of = owner,
  ): Promise<NewKey> => {
    const made = await rotateKey({ database, vault }, of, { kind: 'v1', overlap: DAY, ...options })
    if (typeof made === 'string' || 'problem' in made) throw new Error('No key was made.')
    return made
  }
  const valid = async (at = Date.now(), of = owner) =>
    (await keysOf(database, of)).filter((key) => signsAt(key, at)).map(({ id }) => id)
  const read = async (through = vault, of = owner) =>
    (await endpointKeyReader({ database, vault: through })()).get(of.endpoint) ?? []
  const move = (of = owner) => moveSecret({ database, vault }, of, async () => {})

  it('are the new one, and for the overlap the secret of its owner', async () => {
    const made = await rotate({ overlap: 60_000 })
    expect(await valid()).to.deep.equal([made.id, keyOf(owner.given).id])
    expect(await valid(made.oldKeysUntil - 1)).to.have.length(2)
    expect(await valid(made.oldKeysUntil)).to.deep.equal([made.id])
    expect(made.oldKeysUntil).to.be.within(Date.now() + 50_000, Date.now() + 60_000)
    expect(keyOf(made.handOver).id).to.equal(made.id)
  })

  it('end no later because of another rotation, and are of the kind that was asked for', async () => {
    const first = await rotate({ overlap: 60_000 })
    const second = await rotate({ kind: 'v1a' })
    expect(await valid()).to.have.members([second.id, first.id, keyOf(owner.given).id])
    expect(await valid(first.oldKeysUntil)).to.have.members([second.id, first.id])
    expect(await valid(second.oldKeysUntil)).to.deep.equal([second.id])
    expect(second.handOver).to.match(/^whpk_[A-Za-z0-9+/]{43}=$/)
    const kept = (await keysOf(database, owner)).find(({ id }) => id === second.id)
    expect(kept).to.include({ kind: 'v1a', publicKey: second.handOver })
  })

  it('stand sealed in the table, open nowhere but in their own row, and never again once they have ended', async () => {
    const first = await rotate({ overlap: 0 })
    const rows = () => database.query('SELECT * FROM tributary_endpoint_key WHERE endpoint = ?', [owner.endpoint])
    for (const secret of [first.handOver, owner.given])
      expect(JSON.stringify(await rows())).to.not.include(secret.slice('whsec_'.length))
    expect((await read()).map(({ id, secret }) => [id, secret.kind])).to.have.deep.members([
      [first.id, 'key'],
      [keyOf(owner.given).id, 'unusable'],
    ])
    const second = await rotate({ overlap: 0 })
    expect((await rows()).map(({ key_id, sealed }) => [key_id, sealed === null])).to.have.deep.members([
      [first.id, true],
      [second.id, false],
      [keyOf(owner.given).id, true],
    ])
    const other = { ...owner, endpoint: `${owner.endpoint}:other` }
    await database.query('UPDATE tributary_endpoint_key SET endpoint = ? WHERE key_id = ?', [other.endpoint, second.id])
    expect((await read(vault, other)).map(({ secret }) => secret.kind)).to.deep.equal(['unusable'])
  })

  it('outlive a change of the master key', async () => {
    const made = await rotate()
    await rewrapKeys(database, [newer, older])
    const opened = (await read(await openVault({ database, masterKeys: [newer] }))).find(({ id }) => id === made.id)
    await rewrapKeys(database, [older, newer])
    expect(opened?.secret).to.deep.equal({ kind: 'key', key: keyOf(made.handOver) })
  })

  it('are revoked at once, one by one, and once', async () => {
    const [first, second] = [await rotate(), await rotate()]
    expect(await revokeKey(database, owner.endpoint, first.id)).to.equal(true)
    expect(await revokeKey(database, owner.endpoint, first.id)).to.equal(false)
    expect(await revokeKey(database, 'another', second.id)).to.equal(false)
    expect(await valid()).to.deep.equal([second.id, keyOf(owner.given).id])
  })

  it('take over the secret of their owner, whose place is then cleared, in one transaction', async () => {
    const refused = moveSecret({ database, vault }, owner, () => Promise.reject(new Error('changed meanwhile')))
    expect(await refused.catch((error: Error) => error.message)).to.equal('changed meanwhile')
    expect(await valid()).to.deep.equal([])
    expect(await move()).to.deep.equal({ id: keyOf(owner.given).id })
    const [moved] = await read()
    expect(moved?.secret).to.deep.equal({ kind: 'key', key: keyOf(owner.given) })
    expect(await move({ ...owner, given: newSecret('v1') })).to.equal('unused')
    expect(await valid()).to.deep.equal([keyOf(owner.given).id])
    expect(await move({ ...owner, given: '' })).to.have.property('problem')
  })

  it('of an endpoint that is gone do not count for another of its name, not even the same secret', async () => {
    await move()
    await revokeKey(database, owner.endpoint, keyOf(owner.given).id)
    const successor = { ...owner, since: Date.now() + 1 }
    expect(await valid(successor.since, successor)).to.deep.equal([])
    expect(await move(successor)).to.deep.equal({ id: keyOf(owner.given).id })
    expect(await valid(successor.since, successor)).to.deep.equal([keyOf(owner.given).id])
  })

  it('are made once of a secret that the caller brings, however often it asks, and not again once they have ended', async () => {
    const secret = newSecret('v1')
    const first = await rotate({ secret, overlap: 60_000 })
    const keys = await keysOf(database, owner)
    expect(first).to.include({ handOver: secret, existing: false })
    expect(await rotate({ secret, overlap: DAY })).to.deep.equal({ ...first, existing: true })
    expect(await keysOf(database, owner)).to.deep.equal(keys)
    await revokeKey(database, owner.endpoint, first.id)
    const again = (of: { kind: 'v1' | 'v1a'; secret: string }) => rotateKey({ database, vault }, owner, { overlap: DAY, ...of })
    expect(await again({ kind: 'v1', secret })).to.equal('ended')
    expect(await again({ kind: 'v1', secret: 'whsec_short' })).to.have.property('problem')
    expect(await again({ kind: 'v1a', secret: newSecret('v1') })).to.have.property('problem')
    expect(await valid()).not.to.include(first.id)
  })

  it('are as many as a request can carry, and made by one at a time', async () => {
    for (let made = 1; made < MOST_KEYS; made += 1) await rotate()
    expect(await valid()).to.have.length(MOST_KEYS)
    expect(await rotateKey({ database, vault }, owner, { kind: 'v1', overlap: DAY })).to.equal('too many')
    owner = { ...owner, endpoint: `${owner.endpoint}:next` }
    const outcomes = await Promise.allSettled([rotate(), rotate(), rotate()])
    const made = outcomes.filter(({ status }) => status === 'fulfilled').length
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason.code).to.equal('DATABASE_LOCK_TIMEOUT')
    expect(made).to.be.at.least(1)
    const keys = await keysOf(database, owner)
    expect(keys.filter(({ expireTime }) => expireTime === undefined)).to.have.length(1)
    expect(keys).to.have.length(made + 1)
  })
})
