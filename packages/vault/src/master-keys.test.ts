import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { VaultError } from './errors.ts'
import { openMasterKeys } from './master-keys.ts'

describe('master keys', () => {
  const [older, newer, stranger] = [randomBytes(32), randomBytes(32), randomBytes(32)]
  const key = randomBytes(32)

  it('unwrap what any of them wrapped, and wrap by the first', () => {
    const wrapped = openMasterKeys([older]).wrap('name', key)
    const both = openMasterKeys([newer, older])
    expect(both.unwrap('name', wrapped)).to.deep.equal(key)
    expect(both.wrap('name', key).masterKey).to.equal(openMasterKeys([newer]).current)
  })

  it('unwrap a key for its own name only', () => {
    const masterKeys = openMasterKeys([older])
    const wrapped = masterKeys.wrap('data key of one', key)
    expect(() => masterKeys.unwrap('data key of another', wrapped))
      .to.throw(VaultError)
      .with.property('code', 'VAULT_SEAL_BROKEN')
  })

  it('do not unwrap what was changed or cut', () => {
    const masterKeys = openMasterKeys([older])
    const { wrapped, masterKey } = masterKeys.wrap('name', key)
    for (const changed of [
      wrapped.map((byte, at) => (at === 20 ? byte ^ 1 : byte)),
      wrapped.subarray(0, 20),
      wrapped.subarray(1),
    ])
      expect(() => masterKeys.unwrap('name', { wrapped: Buffer.from(changed), masterKey }))
        .to.throw(VaultError)
        .with.property('code', 'VAULT_SEAL_BROKEN')
  })

  it('say which key is missing, by a name that tells nothing about it', () => {
    const wrapped = openMasterKeys([older]).wrap('name', key)
    expect(() => openMasterKeys([stranger]).unwrap('name', wrapped))
      .to.throw(VaultError, wrapped.masterKey)
      .with.property('code', 'VAULT_MASTER_KEY_UNKNOWN')
    expect(wrapped.masterKey).to.match(/^[0-9a-f]{16}$/)
    expect(older.toString('hex')).not.to.include(wrapped.masterKey)
  })
})
