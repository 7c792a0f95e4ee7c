import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { migratedTestDatabase } from '../servers/index.ts'
import { runCommand } from './gateway/command.ts'

describe('the endpoints of webhooks, looked after by commands', function () {
  this.timeout(60_000)
  let stage: Awaited<ReturnType<typeof migratedTestDatabase>>
  let folder: string
  before(async () => {
    stage = await migratedTestDatabase('webhook_endpoints')
    folder = await mkdtemp(join(tmpdir(), 'tributary-endpoints-'))
    const webhooks = [{ url: 'https://partner.example/changeContact', mode: 'compat', events: ['change_contact'] }]
    await writeFile(
      join(folder, 'tributary.yaml'),
      JSON.stringify({ qifu: { eg: { 'wework-map': { keyfil: { webhooks } } } } }),
    )
  })
  after(async () => {
    await stage.drop()
    await rm(folder, { recursive: true, force: true })
  })

  const run = async (...words: string[]) => {
    const environment = {
      TRIBUTARY_DATABASE_URL: stage.url,
      TRIBUTARY_MASTER_KEY: randomBytes(32).toString('base64'),
      TRIBUTARY_CONFIG: join(folder, 'tributary.yaml'),
    }
    return await runCommand(words, { environment })
  }

  it('are listed, paused and resumed as those of services are', async () => {
    const { output, errors } = await run('endpoint', 'list', '--json')
    const [listed] = output
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
    expect(listed, errors).to.include({ state: 'active', lag: 0 })
    expect(listed.endpoint).to.match(/^egWeworkEventWebhookConsumerGroup:keyfil:[0-9a-f]{8}$/)
    expect((await run('endpoint', 'pause', listed.endpoint, '--reason', 'moving')).output).to.include('is paused')
    expect((await run('endpoint', 'list')).output).to.include('moving')
    expect((await run('endpoint', 'resume', listed.endpoint)).output).to.include('is active')
    expect((await run('replay', listed.endpoint, '--from', '2026-01-01')).errors).to.include('REPLAY_EMPTY')
    expect((await run('endpoint', 'pause', 'nobody', '--reason', 'x')).errors).to.include('ENDPOINT_UNKNOWN')
  })
})
