import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { listCorps } from '@tributary/database'
import { expect } from 'chai'
import { freePort, migratedTestDatabase } from '../servers/index.ts'
import { checkAddress, createWecomSimulator, type WecomSimulator } from '../simulators/wecom/index.ts'
import { type Environment, runCommand, startProgram } from './gateway/command.ts'
import { eventually } from './gateway/eventually.ts'

const CUSTOMER = 'keyfil'

describe('WeCom and the real process', () => {
  let wecom: WecomSimulator
  let stage: Awaited<ReturnType<typeof migratedTestDatabase>>
  let folder: string
  let environment: Environment
  let gateway: string
  let child: ReturnType<typeof startProgram>
  let written = ''

  before(async () => {
    wecom = await createWecomSimulator()
    stage = await migratedTestDatabase('wework_e2e')
    folder = await mkdtemp(join(tmpdir(), 'tributary-wework-'))
    const port = await freePort()
    gateway = `http://127.0.0.1:${port}`
    const { suite, apiUrl } = wecom.customer
    const section = {
      'api-url': apiUrl,
      suite: {
        'suite-id': suite?.suiteId,
        'provider-corp-id': suite?.providerCorpId,
        token: suite?.token,
        'encoding-aes-key': suite?.encodingAesKey,
        secret: suite?.secret,
      },
    }
    const file = join(folder, 'tributary.yaml')
    await writeFile(
      file,
      JSON.stringify({ tributary: { server: { port } }, qifu: { eg: { 'wework-map': { [CUSTOMER]: section } } } }),
    )
    environment = {
      TRIBUTARY_CONFIG: file,
      TRIBUTARY_DATABASE_URL: stage.url,
      TRIBUTARY_MASTER_KEY: randomBytes(32).toString('base64'),
      TRIBUTARY_LOG_FORMAT: 'json',
    }
    child = startProgram(['serve', 'ingest', 'contact-sync', 'projector'], environment)
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (written += String(chunk)))
    await eventually('the process is ready', async () => (await fetch(`${gateway}/readyz`)).ok)
  })
  after(async () => {
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    await exited
    await wecom.close()
    await stage.drop()
    await rm(folder, { recursive: true })
  })

  const command = () => wecom.access(gateway, CUSTOMER, 'command')
  const wework = (...words: string[]) => runCommand(['wework', ...words], { environment })

  it('is verified, takes an authorization, reads the directory, and reads it again by hand', async () => {
    expect(await checkAddress(command())).to.equal(true)
    const corp = wecom.addCorp({ departments: 4, members: 30 })
    expect(await wecom.send(command(), wecom.ticket())).to.deep.equal([200])
    expect(await wecom.send(command(), wecom.authorize(corp))).to.deep.equal([200])
    await eventually('the directory was read', async () => ((await listCorps(stage.database))[0]?.successTime ?? 0) > 0)
    const listed = await wework('corps', '--json')
    expect(JSON.parse(listed.output)).to.include({ customer: CUSTOMER, corp: corp.corpId, state: 'authorized', error: '' })

    const again = await wework('reconcile', '--corp', corp.corpId, '--json')
    expect(again.code, again.errors).to.equal(0)
    expect(JSON.parse(again.output)).to.include({ departments: 4, members: 30, created: 0, updated: 0, deleted: 0 })
    expect(JSON.parse(again.errors.trim().split('\n').at(-1) ?? '')).to.include({ label: corp.corpId, unit: 'read' })

    for (const { userid } of [...corp.members.values()].slice(0, 10)) corp.members.delete(userid)
    corp.changed()
    const held = await wework('reconcile', '--corp', corp.corpId)
    expect(held.code).to.equal(2)
    expect(held.output).to.contain('add --yes')
    const confirmed = await wework('reconcile', '--corp', corp.corpId, '--yes', '--json')
    expect(JSON.parse(confirmed.output)).to.include({ deleted: 10, heldBack: false })
  })

  it('finds what happened to a member by the id that it has or had, in its corp, sealed', async () => {
    const corp = [...wecom.corps.values()].find(({ corpId }) => corpId !== wecom.selfBuilt.corpId)
    if (!corp) throw new Error('No corp has authorized the suite.')
    const say = (changeType: string, fields: Record<string, string>) =>
      wecom.send(command(), wecom.change(corp, changeType, fields))
    expect(await say('create_user', { UserID: 'Zoe', Name: 'Zoe Somebody', Department: '1' })).to.deep.equal([200])
    expect(await say('update_user', { UserID: 'Zoe', NewUserID: 'zoe.new' })).to.deep.equal([200])
    expect(await say('delete_user', { UserID: 'zoe.new' })).to.deep.equal([200])
    await eventually('the index is through', async () => {
      const log = await stage.database.query<{ events: number }[]>(
        "SELECT SUM(next_position) AS events FROM tributary_log_partition JOIN tributary_log_topic topic ON topic.id = topic_id WHERE topic.name LIKE 'EG_WEWORK%'",
      )
      const index = await stage.database.query<{ events: number }[]>(
        "SELECT SUM(next_position) AS events FROM tributary_cursor WHERE consumer = 'event-index' AND topic LIKE 'EG_WEWORK%'",
      )
      return log[0]?.events === index[0]?.events
    })
    const find = async (...words: string[]) => {
      const { code, output, errors } = await runCommand(['events', 'find', '--json', '--member', ...words], { environment })
      expect(code, errors).to.equal(0)
      const lines = output.split('\n').filter((line) => line !== '')
      return lines.map((line) => JSON.parse(line) as { data: { changeType: string; sealed: string | null } })
    }
    const kinds = (found: Awaited<ReturnType<typeof find>>) => found.map(({ data }) => data.changeType)
    const found = await find('Zoe')
    expect(kinds(found)).to.deep.equal(['create_user', 'update_user'])
    expect(JSON.stringify(found)).not.to.contain('Somebody').and.not.to.contain('zoe.new')
    expect(kinds(await find('zoe.new', '--corp', corp.corpId))).to.deep.equal(['update_user', 'delete_user'])
    expect(kinds(await find('zoe'))).to.deep.equal([])
    expect(kinds(await find('Zoe', '--corp', 'wpOther'))).to.deep.equal([])
  })

  it('tells an operator what is wrong, and nothing that is secret', async () => {
    const unknown = await wework('reconcile', '--corp', 'nobody')
    expect(unknown.code).to.equal(1)
    expect(unknown.errors).to.contain('wework corps')
    expect(await wecom.send({ ...command(), receiveId: 'wwother' }, wecom.ticket())).to.deep.equal([200])
    const quarantine = await wework('quarantine', '--json')
    expect(JSON.parse(quarantine.output)).to.include({ customer: CUSTOMER, reason: 'receive_id_mismatch', times: 1 })
    const { secret, token, encodingAesKey } = wecom.customer.suite ?? {}
    for (const one of [secret, token, encodingAesKey, wecom.suite.ticket]) expect(written).not.to.contain(one)
  })
})
