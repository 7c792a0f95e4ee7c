import { rotateKey } from '@tributary/delivery'
import type { Service } from '@tributary/runtime'
import { until } from '@tributary/test/servers'
import { createSpiReceiver, type SpiReceiver } from '@tributary/test/simulators/spi'
import { expect } from 'chai'
import { listEndpoints } from './known-endpoints.ts'
import { contextOf, GROUP, keyAt, openStage, QUICK, SECRET, type Stage } from './testing/stage.ts'

const HOUR = 3_600_000
/** Long enough to set the clock while it lasts. */
const WAIT = 1_000

describe('Deliveries when the clock of the machine jumps', () => {
  const timeOfDay = Date.now
  let stage: Stage
  let receiver: SpiReceiver
  let service: Service
  beforeEach(async () => {
    stage = await openStage('clock_jumps', { partitions: 1 })
    await stage.setCodes(['warehouse'])
    await stage.addService('warehouse')
  })
  afterEach(async () => {
    Date.now = timeOfDay
    await service.stop()
    await receiver.close()
    await stage.close()
  })

  const jump = (milliseconds: number): void => {
    Date.now = () => timeOfDay() + milliseconds
  }
  const start = async (secret = SECRET): Promise<void> => {
    receiver = await createSpiReceiver({ secret })
    service = stage.dispatcher({ warehouse: receiver.url }, { ...QUICK, schedule: [WAIT, WAIT] })
    await service.start()
  }
  const idsOf = (order: string) => receiver.record.arrivals.filter(({ key }) => key === keyAt(order)).map(({ id }) => id)

  for (const [direction, milliseconds] of [
    ['back', -HOUR],
    ['forward', HOUR],
  ] as const)
    it(`keep to their schedule and their order, an hour ${direction}`, async () => {
      await start()
      receiver.fault({ kind: 'status', status: 500 }, { key: keyAt('A'), times: 1 })
      const times: number[] = []
      receiver.onArrival(() => times.push(performance.now()))
      const ids = await stage.appendOrders(['A', 'A'])
      await until('the first is set aside', async () => (await stage.count('lane')) === 1)
      jump(milliseconds)
      await until('both have arrived', () => ids.every(receiver.record.has))
      // Not at once either: a forward jump would have used up a schedule of days.
      const [first = 0, second = 0] = times
      expect(second - first).to.be.above(WAIT / 2)
      expect(idsOf('A')).to.deep.equal([ids[0], ids[0], ids[1]])
    })

  it('are signed with a key that a clock ahead of this one has made', async () => {
    const context = contextOf(stage, {}, QUICK)
    const [known] = await listEndpoints(context)
    expect(known?.name).to.equal(`${GROUP}:warehouse`)
    jump(HOUR)
    const made = known && (await rotateKey(stage, known.owner, { kind: 'v1', overlap: 0 }))
    if (typeof made !== 'object' || 'problem' in made) throw new Error('No key was made.')
    jump(0)
    await start(made.handOver)
    const ids = await stage.appendOrders(['A'])
    await until('it has arrived', () => ids.every(receiver.record.has))
    expect(receiver.unverified).to.equal(0)
  })
})
