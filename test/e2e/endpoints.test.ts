import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { migratedTestDatabase } from '../servers/index.ts'
import { createSpiReceiver, type SpiReceiver } from '../simulators/spi/index.ts'
import { runCommand } from './gateway/command.ts'

const SECRET = 'whsec_c2VjcmV0LWZvci10ZXN0cy1vbmx5LTMyLWJ5dGVz'

describe('endpoints, looked after by commands', function () {
  this.timeout(60_000)
  const masterKey = randomBytes(32).toString('base64')
  let stage: Awaited<ReturnType<typeof migratedTestDatabase>>
  let folder: string
  let receiver: SpiReceiver
  before(async () => {
    stage = await migratedTestDatabase('endpoints')
    receiver = await createSpiReceiver({ secret: SECRET })
    await stage.database.query(
      "INSERT INTO eg_spi (type, server_code, server_name, secret, create_time) VALUES (1, 'warehouse', 'warehouse', ?, 0)",
      [SECRET],
    )
    folder = await mkdtemp(join(tmpdir(), 'tributary-endpoints-'))
    const webhooks = [{ url: 'http://169.254.1.1/changeContact', mode: 'compat', events: ['change_contact'] }]
    const eg = { 'wework-map': { keyfil: { webhooks } }, spi: { services: { warehouse: receiver.url } } }
    await writeFile(join(folder, 'tributary.yaml'), JSON.stringify({ qifu: { eg } }))
  })
  after(async () => {
    await receiver.close()
    await stage.drop()
    await rm(folder, { recursive: true, force: true })
  })

  const run = async (...words: string[]) => {
    const environment = {
      TRIBUTARY_DATABASE_URL: stage.url,
      TRIBUTARY_MASTER_KEY: masterKey,
      TRIBUTARY_CONFIG: join(folder, 'tributary.yaml'),
    }
    return await runCommand(words, { environment })
  }

  it('of webhooks are listed, paused and resumed as those of services are', async () => {
    const { output, errors } = await run('endpoint', 'list', '--json')
    const [service, listed] = output
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
    expect(service, errors).to.include({ endpoint: 'egOrderSpiConsumerGroup:warehouse', problem: '' })
    expect(listed).to.include({ state: 'active', lag: 0 })
    expect(listed.problem).to.match(/^address refused/)
    expect(listed.endpoint).to.match(/^egWeworkEventWebhookConsumerGroup:keyfil:[0-9a-f]{8}$/)
    expect((await run('endpoint', 'pause', listed.endpoint, '--reason', 'moving')).output).to.include('is paused')
    expect((await run('endpoint', 'list')).output).to.include('moving')
    expect((await run('endpoint', 'resume', listed.endpoint)).output).to.include('is active')
    expect((await run('replay', listed.endpoint, '--from', '2026-01-01')).errors).to.include('REPLAY_EMPTY')
    expect((await run('endpoint', 'pause', 'nobody', '--reason', 'x')).errors).to.include('ENDPOINT_UNKNOWN')
  })

  it('are tested by one signed message that no cursor and no record of attempts knows of', async () => {
    const name = 'egOrderSpiConsumerGroup:warehouse'
    const { code, output } = await run('endpoint', 'test', name)
    expect(output).to.match(/^delivered, status 200, \d+ ms\n\{"success":true\}\n$/)
    expect(code).to.equal(0)
    const [arrival] = receiver.record.arrivals
    expect(arrival?.headers).to.include({ 'ce-type': 'tributary.endpoint.test', 'ce-subject': `endpoints/${name}` })
    expect(JSON.parse(arrival?.body ?? '')).to.include({ type: 'tributary.endpoint.test', test: true })
    expect(receiver.unverified).to.equal(0)
    receiver.fault({ kind: 'status', status: 503 })
    const refused = await run('endpoint', 'test', name, '--json')
    expect([refused.code, JSON.parse(refused.output).reason]).to.deep.equal([1, 'status 503'])
    expect(await stage.database.query('SELECT 1 FROM tributary_cursor')).to.deep.equal([])
    expect(await stage.database.query('SELECT 1 FROM tributary_delivery_attempt')).to.deep.equal([])
  })
})
