import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CONTACT_TOPIC, orderHolder } from '@tributary/events'
import { metricValue } from '@tributary/runtime/testing'
import { until } from '@tributary/test/servers'
import { createWecomSimulator, sendCallback } from '@tributary/test/simulators/wecom'
import { openSettings } from '@tributary/vault'
import { suiteTicketName } from '@tributary/wecom'
import { expect } from 'chai'
import { ofType, orderMessageOf } from '../testing/events.ts'
import { type IngestUnderTest, prepareIngest } from '../testing/ingest-under-test.ts'
import { lookAtSpool, retrySpool } from './operations.ts'
import { openSpoolFile } from './spool-file.ts'

const CUSTOMER = 'keyfil'
const EVENT_ID = '00000000-0000-4000-8000-000000000000'

describe('taking in while the log is away, with a spool', function () {
  this.timeout(30_000)
  let its: IngestUnderTest
  let folder: string
  before(async () => {
    its = await prepareIngest()
  })
  after(() => its.close())
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tributary-spool-'))
    await its.reset()
    await its.restart(settings())
    // The key of eBay's signatures is known from now on.
    expect(await send(orderMessageOf(its).message)).to.deep.equal([204])
  })
  afterEach(async () => {
    its.relay.heal()
    await its.restart()
    await rm(folder, { recursive: true, force: true })
  })

  const settings = (maxBytes = 16 * 1024 * 1024) => ({ ingest: { spool: { folder, maxBytes } } })
  const send = (message: Parameters<IngestUnderTest['ebay']['notifications']['send']>[1]) =>
    its.ebay.notifications.send(its.callback, message)
  const waiting = () => lookAtSpool(folder).figures.waiting
  const health = async () => {
    const { services } = (await (await fetch(`${its.server.url}/healthz`)).json()) as {
      services: { status: string; reason?: string; details: { spool: Record<string, unknown> } }[]
    }
    return services[0]
  }
  const drained = () => until('the spool is empty', () => waiting() === 0)

  it('keeps on its disk what the log cannot take, answers yes, and hands it over when the log is back', async () => {
    its.relay.cut()
    const { message } = orderMessageOf(its)
    expect(await send(message)).to.deep.equal([204])
    expect(await send(message), 'the same again').to.deep.equal([204])
    expect(await send(its.ebay.notifications.message('FEEDBACK_LEFT', { userId: 'SYNhidden9' }))).to.deep.equal([204])
    expect(waiting()).to.equal(2)
    const told = await health()
    expect(told?.status).to.equal('degraded')
    expect(told?.details.spool).to.include({ waiting: 2, setAside: 0 })
    expect(await metricValue('tributary_ingest_spool_entries', { state: 'waiting' })).to.equal(2)
    expect(await metricValue('tributary_ingest_spool_bytes', {})).to.be.greaterThan(1_000)
    for (const name of ['spool.sqlite', 'spool.sqlite-wal'])
      expect((await readFile(join(folder, name))).toString('latin1'), name).not.to.match(/SYNhidden9|ORDER_CONFIRMATION/)
    its.relay.heal()
    await drained()
    const events = await its.events()
    expect(ofType(events, 'OrderNotified')).to.have.length(2)
    expect(ofType(events, 'NotificationReceived')).to.have.length(1)
    expect((await health())?.status).to.equal('ok')
  })

  it('answers in time while the log hangs, and at once after the first that had to wait for it', async () => {
    its.relay.stall()
    const took = async () => {
      const started = performance.now()
      expect(await send(orderMessageOf(its).message)).to.deep.equal([204])
      return performance.now() - started
    }
    const share = 1_400
    expect(await took(), 'waits for the log').to.be.at.least(share)
    // Of several: a slow machine may need as long without waiting for anything.
    const later = [await took(), await took(), await took()]
    expect(Math.min(...later), 'does not').to.be.lessThan(share)
    its.relay.heal()
    await drained()
    expect(await its.events()).to.have.length(5)
  })

  it('takes everything and gives nothing to the log before the database was seen, though it is there', async () => {
    await its.restart(settings(), [], true)
    for (let number = 1; number <= 3; number += 1) {
      expect(await send(orderMessageOf(its).message)).to.deep.equal([204])
      expect(waiting()).to.equal(number)
    }
    expect(await its.events()).to.have.length(1)
    await its.restart(settings())
    await drained()
    expect(await its.events()).to.have.length(4)
  })

  it('survives its own end, and hands over what its predecessor kept', async () => {
    its.relay.cut()
    for (let number = 0; number < 5; number += 1) expect(await send(orderMessageOf(its).message)).to.deep.equal([204])
    its.relay.heal()
    await its.restart(settings())
    await drained()
    expect(await its.events()).to.have.length(6)
  })

  it('stops at once while a database that hangs keeps it from draining, and goes on when it is started again', async () => {
    its.relay.stall()
    expect(await send(its.ebay.notifications.message('FEEDBACK_LEFT', { userId: 'SYNuser9' }))).to.deep.equal([204])
    const started = performance.now()
    await its.ingest.stop()
    // What it waits for would be given up after fifteen seconds.
    expect(performance.now() - started).to.be.lessThan(12_000)
    its.relay.heal()
    await its.restart(settings())
    await drained()
    expect(ofType(await its.events(), 'NotificationReceived')).to.have.length(1)
  })

  it('keeps a consent, whose code serves once, though the log is away', async () => {
    const userId = its.ebay.market.addSeller().userId
    const begun = await fetch(`${its.server.url}/open/order/oauth/authorize/1?app=${its.appId}`, { redirect: 'manual' })
    const cookie = begun.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    const back = await its.ebay.consent(begun.headers.get('location') ?? '', { userId, accept: true })
    await its.log.close()
    expect((await fetch(back, { headers: { cookie } })).status).to.equal(200)
    const [token] = [...its.ebay.market.grants.keys()]
    expect(await readFile(join(folder, 'spool.sqlite-wal'), 'latin1')).not.to.include(token)
    await its.restart(settings())
    await drained()
    const [event, ...others] = ofType(await its.events(), 'SellerAuthorized')
    expect(others).to.deep.equal([])
    expect(event?.data).to.include({ channel: 1, sellerId: userId, appId: its.appId })
    const part = { subject: event?.data.subject ?? '', eventId: event?.id ?? '', jwe: event?.data.sealed ?? '' }
    expect(await its.vault.open([part])).to.deep.equal([{ kind: 'opened', plaintext: token }])
  })

  it('forgets a person later when the database is away, and says yes to it now', async () => {
    const subject = its.vault.subject('ebay:user', 'some_buyer')
    const holder = orderHolder(1, 'SYNuser1', '12-1', 4711)
    await its.vault.seal([{ subject, eventId: EVENT_ID, holder, plaintext: 'address' }])
    its.relay.cut()
    const forget = its.ebay.notifications.accountDeletion({ username: 'some_buyer', userId: 'SYNbuyer1' })
    expect(await send(forget)).to.deep.equal([204])
    its.relay.heal()
    await drained()
    expect(ofType(await its.events(), 'PersonalDataErased').map(({ data }) => data.orderId)).to.deep.equal(['12-1'])
    expect(await its.vault.seal([{ subject, eventId: EVENT_ID, plaintext: 'again' }])).to.deep.equal([{ kind: 'erased' }])
  })

  it('keeps changes and tickets of WeCom within its second, in their order', async () => {
    const wecom = await createWecomSimulator()
    try {
      const corp = wecom.addCorp({ departments: 1, members: 1 })
      await its.restart({ ...settings(), wework: { [CUSTOMER]: wecom.customer } })
      const command = wecom.access(its.server.url, CUSTOMER, 'command')
      const ticket = wecom.ticket()
      const names = ['one', 'two', 'three']
      const changes = names.map((Name) => wecom.change(corp, 'update_user', { UserID: 'woX', Name }, 1_767_225_620))
      its.relay.stall()
      for (const fields of [ticket, ...changes]) {
        const started = performance.now()
        expect(await sendCallback(command, fields)).to.deep.equal([200])
        // With the patience of marketplaces the first would take longer; a slow machine may add to its 420 ms.
        expect(performance.now() - started).to.be.lessThan(1_500)
      }
      expect((await health())?.status, 'who takes everything must stay reachable').to.equal('degraded')
      its.relay.heal()
      await drained()
      const kept = ofType(await its.events(CONTACT_TOPIC), 'ContactChanged')
      const sealed = kept.map(({ id, data }) => ({ eventId: id, subject: data.subject, jwe: data.sealed ?? '' }))
      const told = (await its.vault.open(sealed)).map((outcome) =>
        JSON.parse(outcome.kind === 'opened' ? outcome.plaintext : ''),
      )
      expect(told.map(({ fields }) => fields.Name)).to.deep.equal(names)
      const name = suiteTicketName({ customer: CUSTOMER, suiteId: wecom.suite.suiteId })
      const stored = await openSettings({ database: its.database, vault: its.vault }).get(name)
      expect(stored?.value).to.equal(ticket['SuiteTicket'])
    } finally {
      await wecom.close()
    }
  })

  it('asks the sender to try again when it is full, and loses nothing of what it said yes to', async () => {
    await its.restart(settings(1024 * 1024))
    expect(await send(orderMessageOf(its).message)).to.deep.equal([204])
    its.relay.cut()
    let taken = 0
    let refused: Response | undefined
    while (refused === undefined) {
      const body = Buffer.from(
        JSON.stringify(its.ebay.notifications.message('NEWS', { text: randomBytes(75_000).toString('base64') })),
      )
      const headers = { 'X-EBAY-SIGNATURE': its.ebay.keys.header(body, its.ebay.keys.current) }
      const answer = await fetch(its.callback, { method: 'POST', body, headers })
      if (answer.status === 204) taken += 1
      else refused = answer
    }
    expect(refused.status).to.equal(503)
    expect(Number(refused.headers.get('retry-after'))).to.be.greaterThan(0)
    expect(taken).to.be.within(3, 20)
    its.relay.heal()
    await drained()
    expect(ofType(await its.events(), 'NotificationReceived')).to.have.length(taken)
  })

  it('sets aside what cannot be kept, keeps the rest, and tries again when it is told to', async () => {
    its.relay.cut()
    await send(orderMessageOf(its).message)
    const file = openSpoolFile(folder)
    file.put([{ identity: 'broken', kind: 'notification', sealed: 'no seal', receivedTime: Date.now() }])
    file.close()
    await send(orderMessageOf(its).message)
    its.relay.heal()
    await drained()
    expect(ofType(await its.events(), 'OrderNotified')).to.have.length(3)
    const [aside] = lookAtSpool(folder).setAside
    expect(aside?.reason).to.match(/^VAULT_SEAL_BROKEN: /)
    expect((await health())?.reason).to.include('tributary spool list')
    expect(await metricValue('tributary_ingest_spool_entries', { state: 'set-aside' })).to.equal(1)
    expect(retrySpool(folder)).to.equal(1)
    await until('it was tried and set aside again', () => {
      const [again] = lookAtSpool(folder).setAside
      return again !== undefined && again.setAsideTime > (aside?.setAsideTime ?? 0)
    })
    expect(await send(orderMessageOf(its).message)).to.deep.equal([204])
    expect(ofType(await its.events(), 'OrderNotified')).to.have.length(4)
  })
})
