import { randomBytes } from 'node:crypto'
import type { Database } from '@tributary/database'
import { migratedTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import { openVault, rewrapKeys, VaultError } from './index.ts'

const [older, newer] = [randomBytes(32), randomBytes(32)]

describe('a change of the master key', () => {
  let database: Database
  let drop: () => Promise<void>
  beforeEach(async () => {
    ;({ database, drop } = await migratedTestDatabase('rewrap'))
  })
  afterEach(() => drop())

  /** Something sealed while only the older key was there. */
  const sealBefore = async (id: string) => {
    const before = await openVault({ database, masterKeys: [older] })
    const subject = before.subject('seller', id)
    const [outcome] = await before.seal([{ subject, eventId: 'event', plaintext: id }])
    return { before, sealed: { subject, eventId: 'event', jwe: outcome?.kind === 'sealed' ? outcome.jwe : '' } }
  }

  it('leaves everything sealed open, names the same, and what is erased erased', async () => {
    const lives = await sealBefore('lives')
    const dies = await sealBefore('dies')
    await dies.before.destroy(dies.sealed.subject)
    const secret = lives.before.sealSecret('token', 'value')

    const between = await openVault({ database, masterKeys: [newer, older] })
    expect(await between.open([lives.sealed])).to.deep.equal([{ kind: 'opened', plaintext: 'lives' }])
    expect(between.openSecret('token', secret)).to.equal('value')
    expect(await rewrapKeys(database, [newer, older])).to.equal(2)
    expect(await rewrapKeys(database, [newer, older])).to.equal(0)

    const after = await openVault({ database, masterKeys: [newer] })
    expect(await after.open([lives.sealed])).to.deep.equal([{ kind: 'opened', plaintext: 'lives' }])
    expect(after.subject('seller', 'lives')).to.equal(lives.sealed.subject)
    const again = { subject: dies.sealed.subject, eventId: 'late', plaintext: 'x' }
    expect(await after.seal([again])).to.deep.equal([{ kind: 'erased' }])
    expect(() => after.openSecret('token', secret))
      .to.throw(VaultError)
      .with.property('code', 'VAULT_MASTER_KEY_UNKNOWN')
  })

  it('brings back no key that is destroyed meanwhile', async () => {
    const { before, sealed } = await sealBefore('dies')
    const destroying: Database = {
      ...database,
      transaction: async (work) => {
        await before.destroy(sealed.subject)
        return database.transaction(work)
      },
    }
    expect(await rewrapKeys(destroying, [newer, older])).to.equal(1)
    const after = await openVault({ database, masterKeys: [newer] })
    expect(await after.open([sealed])).to.deep.equal([{ kind: 'erased' }])
  })
})
