import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { migratedTestDatabase } from '../servers/index.ts'
import { runCommand, startProgram } from './gateway/command.ts'

const SERVICE = 'egOrderSpiConsumerGroup:warehouse'

describe('the keys of endpoints, looked after by commands', function () {
  this.timeout(60_000)
  let stage: Awaited<ReturnType<typeof migratedTestDatabase>>
  let folder: string
  const secret = `whsec_${randomBytes(32).toString('base64')}`
  const masterKey = randomBytes(32).toString('base64')
  before(async () => {
    stage = await migratedTestDatabase('endpoint_keys_e2e')
    folder = await mkdtemp(join(tmpdir(), 'tributary-endpoint-keys-'))
    const webhooks = [{ url: 'https://partner.example/changeContact', mode: 'ce-binary', events: ['change_contact'], secret }]
    await writeFile(
      join(folder, 'tributary.yaml'),
      JSON.stringify({ qifu: { eg: { 'wework-map': { keyfil: { webhooks } } } } }),
    )
  })
  after(async () => {
    await stage.drop()
    await rm(folder, { recursive: true, force: true })
  })

  const environment = () => ({
    TRIBUTARY_DATABASE_URL: stage.url,
    TRIBUTARY_MASTER_KEY: masterKey,
    TRIBUTARY_CONFIG: join(folder, 'tributary.yaml'),
  })
  const run = (words: readonly string[], input = '') => runCommand(words, { environment: environment(), input })
  const succeed = async (...words: string[]): Promise<string> => {
    const { code, output, errors } = await run(words)
    expect(code, `${words.join(' ')}: ${errors}`).to.equal(0)
    return output
  }

  it('are moved from eg_spi into the vault, changed with an overlap, listed without secrets, and revoked', async () => {
    await run(['spi', 'add', '--code', 'warehouse', '--name', 'warehouse-service', '--secret-file', '-'], secret)
    expect(await succeed('endpoint', 'move-secret', SERVICE)).to.match(/is key [0-9a-f]{8} of .* sealed/)
    expect(await stage.database.query('SELECT secret FROM eg_spi')).to.deep.equal([{ secret: '' }])

    const [rotated, doctor, again] = await Promise.all([
      succeed('endpoint', 'rotate-secret', SERVICE, '--overlap', '2h', '--json'),
      run(['doctor']),
      run(['endpoint', 'move-secret', SERVICE]),
    ])
    const shared = JSON.parse(rotated)
    expect(shared).to.include({ endpoint: SERVICE, kind: 'v1' })
    expect(shared.secret).to.match(/^whsec_[A-Za-z0-9+/]{43}=$/)
    expect(Date.parse(shared.oldKeysUntil)).to.be.within(Date.now() + 7_100_000, Date.now() + 7_200_000)
    expect(doctor.output).to.include('SPI service warehouse').and.not.include('has no key')
    expect(again.errors).to.include('ENDPOINT_SECRET_UNUSABLE')

    const told = await succeed('endpoint', 'rotate-secret', SERVICE, '--kind', 'v1a')
    const [, id = ''] = /^Key ([0-9a-f]{8}) .* public key: whpk_[A-Za-z0-9+/]{43}=$/m.exec(told) ?? []
    expect(await succeed('endpoint', 'revoke-key', SERVICE, id))
      .to.include('signs no more')
      .and.not.include('last one')
    const listed = await succeed('endpoint', 'keys', SERVICE, '--json')
    const keys = listed
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(keys.map(({ kind, state }) => `${kind} ${state}`)).to.have.members(['v1a ended', 'v1 valid', 'v1 valid'])
    expect(listed).to.not.include(shared.secret).and.not.include(secret)
  })

  it('are kept in a file before they sign, so that an answer that is lost loses nothing and the call can be made again', async () => {
    const file = join(folder, 'warehouse.secret')
    const words = ['endpoint', 'rotate-secret', SERVICE, '--secret-file', file]
    const child = startProgram(words, environment())
    child.stdout.destroy()
    await once(child, 'exit')
    const kept = (await readFile(file, 'utf8')).trim()
    expect((await stat(file)).mode & 0o777).to.equal(0o600)
    const before = await stage.database.query('SELECT * FROM tributary_endpoint_key ORDER BY key_id')
    const told = await succeed(...words)
    expect(told)
      .to.match(/signs already, and nothing was changed\. Its secret stands in/)
      .and.not.to.include(kept)
    expect(await stage.database.query('SELECT * FROM tributary_endpoint_key ORDER BY key_id')).to.deep.equal(before)
    const { id, ...shown } = JSON.parse(await succeed(...words, '--json'))
    expect(shown).to.include({ secretFile: file, existing: true }).and.not.to.have.property('secret')
    await succeed('endpoint', 'revoke-key', SERVICE, id)
    expect((await run(words)).errors).to.include('ENDPOINT_SECRET_ENDED')
    expect((await run([...words, '--kind', 'v1a'])).code).to.equal(64)
  })

  it('of a webhook are taken out of the configuration, and told to be the last when they are', async () => {
    const lines = (await succeed('endpoint', 'list', '--json')).split('\n')
    const { endpoint } = JSON.parse(lines.find((line) => line.includes('keyfil')) ?? '')
    const moved = await succeed('endpoint', 'move-secret', endpoint)
    expect(moved).to.include('Take it out of the configuration')
    const [, id = ''] = /is key ([0-9a-f]{8}) of/.exec(moved) ?? []
    expect(await succeed('endpoint', 'revoke-key', endpoint, id)).to.include('It was the last one')
    expect((await run(['endpoint', 'revoke-key', endpoint, id])).errors).to.include('ENDPOINT_KEY_UNKNOWN')
  })
})
