import { randomBytes } from 'node:crypto'
import type { Database } from '@tributary/database'
import { migratedTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import { openSettings, openVault, rewrapKeys, VaultError } from './index.ts'

const [older, newer] = [randomBytes(32), randomBytes(32)]

describe('settings', () => {
  let database: Database
  let drop: () => Promise<void>
  before(async () => {
    ;({ database, drop } = await migratedTestDatabase('settings'))
  })
  after(() => drop())
  beforeEach(() => database.query('DELETE FROM tributary_setting'))
  const open = async (...masterKeys: Buffer[]) => openSettings({ database, vault: await openVault({ database, masterKeys }) })

  it('are read back, sealed in the table, listed and removed', async () => {
    const settings = await open(older)
    await settings.put('wework:ticket:a', { value: 'hidden-1', time: 5 })
    await settings.put('wework_ticket', { value: 'hidden-2', time: 6 })
    expect(await settings.get('wework:ticket:a')).to.deep.equal({ value: 'hidden-1', time: 5 })
    expect(JSON.stringify(await database.query('SELECT * FROM tributary_setting'))).not.to.contain('hidden')
    expect(await settings.names('wework:')).to.deep.equal(['wework:ticket:a'])
    await settings.remove('wework:ticket:a')
    expect(await settings.get('wework:ticket:a')).to.equal(undefined)
  })

  it('keep the newest, whatever comes last', async () => {
    const settings = await open(older)
    expect(await settings.put('ticket', { value: 'new', time: 10 })).to.equal(true)
    expect(await settings.put('ticket', { value: 'old', time: 9 })).to.equal(false)
    expect(await settings.get('ticket')).to.deep.equal({ value: 'new', time: 10 })
    expect(await settings.put('ticket', { value: 'same second', time: 10 })).to.equal(true)
    expect(await settings.get('ticket')).to.deep.equal({ value: 'same second', time: 10 })
  })

  it('open only under their own name', async () => {
    const settings = await open(older)
    await settings.put('one', { value: '1', time: 1 })
    await database.query("UPDATE tributary_setting SET name = 'two'")
    const error: unknown = await settings.get('two').catch((thrown: unknown) => thrown)
    expect(error).to.be.instanceOf(VaultError).with.property('code', 'VAULT_SEAL_BROKEN')
  })

  it('stay readable when the master key changes', async () => {
    await (await open(older)).put('code', { value: 'kept', time: 1 })
    await rewrapKeys(database, [newer, older])
    expect(await (await open(newer)).get('code')).to.deep.equal({ value: 'kept', time: 1 })
  })
})
