import { ORDER_TOPIC } from '@tributary/events'
import { until } from '@tributary/test/servers'
import { expect } from 'chai'
import { takeOver } from './cursor.ts'
import { type ConsumerDefinition, listParked, type RunningConsumer, startConsumer } from './index.ts'
import { effectsConsumer, gate, openStage, quietLogger, type Stage } from './testing/stage.ts'

describe('a consumer at the end of its log', () => {
  let stage: Stage
  let running: RunningConsumer[] = []
  const start = <P>(definition: ConsumerDefinition<P>): RunningConsumer => {
    const consumer = startConsumer({ definition, database: stage.database, log: stage.log, logger: quietLogger })
    running.push(consumer)
    return consumer
  }
  const untilEffects = (count: number) =>
    until(`${count} effects are there`, async () => (await stage.effects()).length >= count)

  beforeEach(async () => {
    running = []
    stage = await openStage('ahead', { partitions: 2 })
  })
  afterEach(async () => {
    await Promise.all(running.map((consumer) => consumer.stop()))
    await stage.close()
  })

  /** Holds the first event while it is applied, and answers whether the second is prepared meanwhile. */
  async function isPreparedAhead(preparesAhead: boolean): Promise<boolean> {
    const steps: string[] = []
    const applying = gate()
    start(
      effectsConsumer({
        preparesAhead,
        prepare: async ([first]) => void steps.push(`prepare ${first?.position}`),
        apply: async ([first]) => {
          steps.push(`apply ${first?.position}`)
          if (first?.position === 0) await applying.opened
        },
      }),
    )
    await stage.append('a', '1')
    await until('the first event is being applied', () => steps.includes('apply 0'))
    await stage.append('a', '2')
    // What must not happen has all the time it needs: a whole other consumer gets through meanwhile.
    const other = start(effectsConsumer({ name: 'other' }))
    await until('another consumer is through', async () => (await other.figures()).applied === 2)
    if (preparesAhead) await until('the second event is prepared', () => steps.includes('prepare 1'))
    const isAhead = steps.includes('prepare 1')
    expect(steps).to.not.include('apply 1')
    applying.open()
    await untilEffects(4)
    return isAhead
  }

  it('prepares what comes while a batch is applied, if it prepares ahead', async () => {
    expect(await isPreparedAhead(true)).to.equal(true)
  })

  it('prepares small batches ahead until they make a full one', async () => {
    const prepared: number[] = []
    const applying = gate()
    start(
      effectsConsumer({
        ...{ preparesAhead: true, batchSize: 3 },
        prepare: async (events) => void prepared.push(...events.map(({ position }) => position)),
        apply: async ([first]) => {
          if (first?.position === 0) await applying.opened
        },
      }),
    )
    // The first is being applied, two more make a full batch, and one batch beyond is prepared.
    for (const position of [0, 1, 2, 3]) {
      await stage.append('a', String(position))
      await until(`event ${position} is prepared`, () => prepared.includes(position))
    }
    await stage.append('a', '4')
    const other = start(effectsConsumer({ name: 'other' }))
    await until('another consumer is through', async () => (await other.figures()).applied === 5)
    expect(prepared).to.deep.equal([0, 1, 2, 3])
    applying.open()
    await untilEffects(10)
    expect(prepared).to.deep.equal([0, 1, 2, 3, 4])
  })

  it('prepares nothing past an event that waits behind its parked key', async () => {
    await stage.close()
    stage = await openStage('ahead', { partitions: 1 })
    const prepared: number[] = []
    const applying = gate()
    let isApplying = false
    start(
      effectsConsumer({
        ...{ preparesAhead: true, batchSize: 3, sliceSize: () => 1 },
        prepare: async (events) => void prepared.push(...events.map(({ position }) => position)),
        apply: async ([first]) => {
          if (first?.position === 0) throw Object.assign(new Error('poison'), { code: 'TEST_POISON' })
          isApplying = true
          await applying.opened
        },
      }),
    )
    await stage.append('a', 'poison')
    await until('its key is parked', async () => (await listParked(stage.database)).length === 1)
    await stage.append('b', '1')
    await until('the second event is being applied', () => isApplying)
    await stage.append('a', '2')
    await stage.append('b', '3')
    const other = start(effectsConsumer({ name: 'other' }))
    await until('another consumer is through', async () => (await other.figures()).applied === 4)
    const isPreparedPast = prepared.includes(3)
    applying.open()
    expect(isPreparedPast).to.equal(false)
    await until('the last event is prepared', () => prepared.includes(3))
  })

  it('lets it share the next batch, if it does not', async () => {
    expect(await isPreparedAhead(false)).to.equal(false)
  })

  it('gives a partition that it lost back at once, although nothing comes that could tell', async () => {
    const [first, second] = [gate(), gate()]
    const told: string[] = []
    let prepared = 0
    start(
      effectsConsumer({
        preparesAhead: true,
        prepare: async () => {
          prepared += 1
          if (prepared > 1) return
          first.open()
          await second.opened
        },
        assigned: async ({ partition }) => void told.push(`assigned ${partition}`),
        revoked: async (partition) => void told.push(`revoked ${partition}`),
      }),
    )
    await until('both partitions are assigned', () => told.length === 2)
    const { partition } = await stage.append('a', '1')
    await first.opened
    await takeOver(stage.database, { consumer: 'effects', topic: ORDER_TOPIC, partition }, 'a newer owner')
    second.open()
    await untilEffects(1)
    // Not the whole group was joined anew, as happens after a while when nobody noticed.
    expect(told.slice(2)).to.deep.equal([`revoked ${partition}`, `assigned ${partition}`])
  })
})
