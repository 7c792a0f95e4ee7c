import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEvent, derivedEventId, ORDER_TOPIC } from '@tributary/events'
import { createLogger } from '@tributary/runtime'
import { expect } from 'chai'
import type { Reception } from '../reception.ts'
import { ofType } from '../testing/events.ts'
import { type IngestUnderTest, prepareIngest } from '../testing/ingest-under-test.ts'
import type { Append } from '../work.ts'
import { createDrain } from './drain.ts'
import { sealed } from './sealing.ts'
import { openSpoolFile, type SpoolFile } from './spool-file.ts'

/** More than a log takes in one event. */
const TOO_LARGE = 13 * 1024 * 1024

describe('draining the spool', () => {
  let its: IngestUnderTest
  let folder: string
  let file: SpoolFile
  let stop: AbortController
  before(async () => {
    its = await prepareIngest()
  })
  after(() => its.close())
  beforeEach(async () => {
    await its.reset()
    folder = await mkdtemp(join(tmpdir(), 'tributary-spool-'))
    file = openSpoolFile(folder)
    stop = new AbortController()
  })
  afterEach(async () => {
    file.close()
    await rm(folder, { recursive: true, force: true })
  })

  /** Every reception becomes one event with its name, of one key; two names are trouble. */
  async function work(reception: Reception, append: Append): Promise<void> {
    if (reception.kind !== 'notification') return
    const { notificationId } = reception.notification
    if (notificationId === 'faulty') throw new TypeError('a fault of ours')
    const event = createEvent({
      id: derivedEventId('NotificationReceived', 1, notificationId),
      type: 'NotificationReceived',
      source: '/tributary/ingest',
      subject: 'notifications/1',
      time: reception.time,
      partitionkey: 'key',
      data: {
        channel: 1,
        topic: 'X',
        notificationId,
        notifiedTime: 0,
        sellerId: null,
        subject: 'x',
        sealed: notificationId === 'large' ? 'x'.repeat(TOO_LARGE) : null,
      },
    })
    await append([event])
  }
  const put = (...names: string[]) =>
    file.put(
      names.map((notificationId) =>
        sealed(
          {
            kind: 'notification',
            time: Date.now(),
            channel: 1,
            notification: { kind: 'order', notificationId, topic: 'X', time: 0, sellerId: 's', orderIds: [] },
            body: Buffer.from('{}'),
          },
          its.vault,
        ),
      ),
    )
  const drainOf = () =>
    createDrain({
      file,
      log: its.log,
      vault: its.vault,
      works: new Map([['notification', { topic: ORDER_TOPIC, work }]]),
      logger: createLogger({ level: 'silent', format: 'json' }),
    })
  const kept = async () => ofType(await its.events(), 'NotificationReceived').map(({ data }) => data.notificationId)

  it('keeps the rest in order around an event that the log refuses', async () => {
    put('a', 'large', 'b', 'c')
    expect(await drainOf()(stop.signal)).to.equal(true)
    expect(await kept()).to.deep.equal(['a', 'b', 'c'])
    expect(file.figures()).to.include({ waiting: 0, setAside: 1 })
    expect(file.listSetAside()[0]?.reason).to.match(/^LOG_EVENT_TOO_LARGE: /)
    expect(await drainOf()(stop.signal), 'nothing is left to do').to.equal(false)
  })

  it('tries what fails by a fault of ours three times, and tells no more of it than its name', async () => {
    put('a', 'faulty', 'b')
    const drain = drainOf()
    for (let time = 1; time < 3; time += 1)
      expect(await drain(stop.signal).catch((error: unknown) => error)).to.be.instanceOf(TypeError)
    expect(file.figures()).to.include({ waiting: 3, setAside: 0 })
    expect(await drain(stop.signal)).to.equal(true)
    expect(await kept()).to.deep.equal(['a', 'b'])
    expect(file.listSetAside().map(({ reason }) => reason)).to.deep.equal(['TypeError'])
  })

  it('repeats harmlessly what a crash left between the append and the removal', async () => {
    put('a', 'b')
    await drainOf()(stop.signal)
    put('a', 'b', 'c')
    await drainOf()(stop.signal)
    expect(await kept()).to.deep.equal(['a', 'b', 'c'])
  })

  it('sets nothing aside and removes nothing while the log is closed', async () => {
    put('a', 'large')
    await its.log.close()
    expect(await drainOf()(stop.signal).catch((error: unknown) => error)).to.have.property('code', 'LOG_CLOSED')
    expect(file.figures()).to.include({ waiting: 2, setAside: 0 })
  })
})
