import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { openEventLog } from '@tributary/event-log'
import { anEvent } from '@tributary/event-log/testing'
import { ORDER_TOPIC } from '@tributary/events'
import { testCertificate } from '@tributary/test/servers'
import { expect } from 'chai'
import { migratedTestDatabase } from '../servers/index.ts'
import { createSpiReceiver, type SpiReceiver } from '../simulators/spi/index.ts'
import { runCommand } from './gateway/command.ts'

const theirs = testCertificate({ host: '127.0.0.1' })
const ours = testCertificate({ host: 'sender.example' })
const SECRET = 'whsec_c2VjcmV0LWZvci10ZXN0cy1vbmx5LTMyLWJ5dGVz'

describe('endpoints, looked after by commands', function () {
  this.timeout(60_000)
  const masterKey = randomBytes(32).toString('base64')
  let stage: Awaited<ReturnType<typeof migratedTestDatabase>>
  let folder: string
  let receiver: SpiReceiver
  let guarded: Server
  before(async () => {
    stage = await migratedTestDatabase('endpoints')
    receiver = await createSpiReceiver({ secret: SECRET })
    await stage.database.query(
      "INSERT INTO eg_spi (type, server_code, server_name, secret, create_time) VALUES (1, 'warehouse', 'warehouse', ?, 0)",
      [SECRET],
    )
    folder = await mkdtemp(join(tmpdir(), 'tributary-endpoints-'))
    guarded = createServer({ ...theirs, requestCert: true, rejectUnauthorized: true, ca: [ours.cert] }, (request, response) => {
      const name = (request.socket as TLSSocket).getPeerCertificate().subject.CN
      request.resume().once('end', () => response.end(`hello ${name}`))
    })
    await once(guarded.listen(0, '127.0.0.1'), 'listening')
    const urls = ['http://169.254.1.1/changeContact', `https://127.0.0.1:${(guarded.address() as AddressInfo).port}/`]
    const webhooks = urls.map((url) => ({ url, mode: 'compat', events: ['change_contact'] }))
    const files = { theirs: theirs.cert, certificate: ours.cert, key: ours.key }
    for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content)
    const way = { 'certificate-file': join(folder, 'certificate'), 'key-file': join(folder, 'key') }
    const delivery = { 'allow-addresses': ['127.0.0.0/8'], hosts: { '127.0.0.1': way } }
    const eg = { 'wework-map': { keyfil: { webhooks } }, spi: { services: { warehouse: receiver.url } } }
    await writeFile(join(folder, 'tributary.yaml'), JSON.stringify({ qifu: { eg }, tributary: { delivery } }))
  })
  after(async () => {
    guarded.closeAllConnections()
    guarded.close()
    await receiver.close()
    await stage.drop()
    await rm(folder, { recursive: true, force: true })
  })

  const run = async (...words: string[]) => {
    const environment = {
      TRIBUTARY_DATABASE_URL: stage.url,
      TRIBUTARY_MASTER_KEY: masterKey,
      TRIBUTARY_CONFIG: join(folder, 'tributary.yaml'),
      NODE_EXTRA_CA_CERTS: join(folder, 'theirs'),
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

  it('are listed with the keys whose events cannot be read, and what cannot be read is shown', async () => {
    const log = await openEventLog({ url: stage.url, database: stage.database, partitions: 1 })
    const event = anEvent({ type: 'OrderReceived', dataversion: 99, partitionkey: '1:shop:A' })
    await log.append(ORDER_TOPIC, [event])
    await log.close()
    await stage.database.query(
      `INSERT INTO tributary_parked_key
         (consumer, topic, partition_no, event_key, state, position, attempts, error_code, error, parked_time)
       VALUES ('egOrderSpiConsumerGroup:warehouse', ?, 0, '1:shop:A', 'parked', 0, 1, 'EVENT_UNREADABLE', '', 0)`,
      [ORDER_TOPIC],
    )
    const [service] = (await run('endpoint', 'list', '--json')).output.split('\n')
    expect(JSON.parse(service ?? '')).to.include({ endpoint: 'egOrderSpiConsumerGroup:warehouse', parked: 1 })
    const { output, errors } = await run('deliveries', 'show', event.id)
    expect(output, errors).to.include('egOrderSpiConsumerGroup:warehouse: still to come')
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
    receiver.heal()
    expect(await stage.database.query('SELECT 1 FROM tributary_cursor')).to.deep.equal([])
    expect(await stage.database.query('SELECT 1 FROM tributary_delivery_attempt')).to.deep.equal([])
  })

  it('are shown the certificate that the configuration names for their host, whose key nothing prints', async () => {
    const listed = (await run('endpoint', 'list', '--json')).output.split('\n').filter(Boolean)
    const { endpoint } = JSON.parse(listed.at(-1) ?? '')
    const { output, errors } = await run('endpoint', 'test', endpoint)
    expect(output, errors).to.match(/^delivered, status 200, \d+ ms\nhello sender\.example\n$/)
    const described = (await run('doctor', '--show-configuration')).output
    expect(described).to.include('"certificate": "set"').and.not.to.include('PRIVATE KEY')
  })
})
