import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { addApp, setAppSecret } from '@tributary/database'
import { createLogger } from '@tributary/runtime'
import { migratedTestDatabase, until } from '@tributary/test/servers'
import { openVault, type Vault } from '@tributary/vault'
import { expect } from 'chai'
import { keepStart, openApps, readStart } from './kept-start.ts'

describe('what is kept for a start without the database', () => {
  const masterKey = randomBytes(32)
  const logger = createLogger({ level: 'silent', format: 'json' })
  let database: Awaited<ReturnType<typeof migratedTestDatabase>>
  let vault: Vault
  let folder: string
  let app: number
  const secret = randomBytes(12).toString('hex')
  before(async () => {
    database = await migratedTestDatabase('kept_start')
    vault = await openVault({ database: database.database, masterKeys: [masterKey] })
    folder = await mkdtemp(join(tmpdir(), 'tributary-start-'))
    const urls = { developerId: '', scopes: [], redirectUri: '', attachInfo: {} }
    app = await addApp(database.database, { channel: 1, name: 'shop', clientId: 'c', clientSecret: secret, ...urls })
  })
  after(async () => {
    await database.drop()
    await rm(folder, { recursive: true })
  })

  /** The secrets of the apps, opened as a process does that cannot reach the database. */
  const keptSecrets = async (masterKeys = [masterKey]): Promise<string[]> => {
    const kept = await readStart(folder)
    if (!kept) return []
    const own = await openVault({ database: database.database, masterKeys, pseudonymKey: kept.pseudonymKey })
    expect(own.subject('kind', 'id')).to.equal(vault.subject('kind', 'id'))
    return openApps(kept, own).map(({ clientSecret }) => clientSecret)
  }
  const keeping = async (work: () => Promise<void>) => {
    const keeper = keepStart({ folder, database: database.database, vault, logger }, 10)
    await keeper.start()
    await work().finally(() => keeper.stop())
  }
  const untilKept = (wanted: string) => until('it is kept', async () => (await keptSecrets()).join() === wanted)

  it('follows the database, and is never in the clear', () =>
    keeping(async () => {
      await untilKept(secret)
      const changed = randomBytes(12).toString('hex')
      await setAppSecret(database.database, app, changed)
      await untilKept(changed)
      expect(await readdir(folder)).to.deep.equal(['start.json'])
      const file = join(folder, 'start.json')
      expect((await stat(file)).mode & 0o077).to.equal(0)
      for (const value of [secret, changed, masterKey.toString('base64')])
        expect(await readFile(file, 'utf8')).to.not.include(value)
    }))

  it('opens with its own master key only, and is nothing when it cannot be read', async () => {
    const error = await keptSecrets([randomBytes(32)]).catch((reason: unknown) => reason)
    expect(error).to.include({ code: 'VAULT_MASTER_KEY_INVALID' })
    await writeFile(join(folder, 'start.json'), '{"pseudonymKey"')
    expect(await readStart(folder)).to.equal(undefined)
    expect(await readStart(join(folder, 'none'))).to.equal(undefined)
  })
})
