import { type Database, DatabaseError } from '@tributary/database'
import type { EventLog } from '@tributary/event-log'
import { ORDER_TOPIC } from '@tributary/events'
import { metricValue } from '@tributary/runtime/testing'
import { until } from '@tributary/test/servers'
import { expect } from 'chai'
import { takeOver } from './cursor.ts'
import { type ConsumerDefinition, type OwnedPartition, type RunningConsumer, readCursors, startConsumer } from './index.ts'
import { effectsConsumer, gate, openStage, quietLogger, type Stage, unwantedEvent } from './testing/stage.ts'

describe('a consumer', () => {
  let stage: Stage
  let running: RunningConsumer[] = []
  const start = <P>(definition: ConsumerDefinition<P>): RunningConsumer => {
    const consumer = startConsumer({ definition, database: stage.database, log: stage.log, logger: quietLogger })
    running.push(consumer)
    return consumer
  }
  const values = async () => (await stage.effects()).map(({ value }) => value)
  const untilEffects = (count: number) => until(`${count} effects are there`, async () => (await values()).length >= count)
  const cursorsAtEnd = async () => {
    const cursors = await readCursors(stage.database, 'effects', ORDER_TOPIC)
    return JSON.stringify(cursors.map(({ next }) => next)) === JSON.stringify(await stage.log.ends(ORDER_TOPIC))
  }

  beforeEach(async () => {
    running = []
    stage = await openStage('consumer', { partitions: 1 })
  })
  afterEach(async () => {
    await Promise.all(running.map((consumer) => consumer.stop()))
    await stage.close()
  })

  it('applies every event once, in order, and goes on from its cursor when it starts again', async () => {
    await stage.append('a', '1', '2', '3')
    const first = start(effectsConsumer({ batchSize: 2 }))
    await untilEffects(3)
    await first.stop()
    await stage.append('a', '4', '5')
    start(effectsConsumer())
    await untilEffects(5)
    expect(await values()).to.deep.equal(['1', '2', '3', '4', '5'])
  })

  it('never parses events that it does not want, and moves its cursor over them in few transactions', async () => {
    await stage.appendStored(...Array.from({ length: 300 }, (_, n) => ({ ...unwantedEvent(n), data: 'not JSON' })))
    const moves: number[] = []
    const consumer = start(effectsConsumer({ batchSize: 10, committed: (_partition, next) => moves.push(next) }))
    await until('the last move is told', () => moves.at(-1) === 300)
    expect(await cursorsAtEnd()).to.equal(true)
    expect(moves.length).to.be.lessThan(10)
    expect((await consumer.figures()).lag).to.equal(0)
  })

  it('prepares the next batch while one is applied, and no further', async () => {
    await stage.append('a', '1', '2', '3', '4', '5', '6')
    const steps: string[] = []
    const applying = gate()
    start(
      effectsConsumer({
        batchSize: 2,
        prepare: async ([first]) => {
          steps.push(`prepare ${first?.position}`)
        },
        apply: async ([first]) => {
          steps.push(`apply ${first?.position}`)
          if (first?.position === 0) await applying.opened
        },
      }),
    )
    await until('the second batch is prepared, and the first being applied', () => steps.length === 3)
    expect(steps).to.have.members(['prepare 0', 'apply 0', 'prepare 2'])
    // What must not happen has all the time it needs: a whole other consumer runs through the log meanwhile.
    const other = start(effectsConsumer({ name: 'other' }))
    await until('another consumer is through', async () => (await other.figures()).applied === 6)
    expect(steps).to.not.include('prepare 4')
    applying.open()
    await untilEffects(12)
    expect(steps.filter((step) => step.startsWith('apply'))).to.deep.equal(['apply 0', 'apply 2', 'apply 4'])
  })

  it('prepares nothing past a batch that could not be prepared ahead: what prepare sends must stay in order', async () => {
    await stage.append('a', '1', '2', '3', '4', '5', '6')
    const prepared: unknown[] = []
    let failures = 0
    start(
      effectsConsumer({
        batchSize: 2,
        prepare: async ([first]) => {
          if (first?.position === 0 && failures++ < 2) throw Object.assign(new Error('away'), { retriable: true })
          prepared.push(first?.position)
        },
      }),
    )
    await untilEffects(6)
    expect(prepared).to.deep.equal([0, 2, 4])
  })

  it('undoes the batch of an owner that was overtaken while it prepared, counts a fence, and starts anew at the cursor', async () => {
    const fences = await metricValue('tributary_consumer_fences_total', { consumer: 'effects' })
    const { positions } = await stage.append('a', '1', '2')
    const preparing = gate()
    let prepared = 0
    const consumer = start(
      effectsConsumer({
        prepare: async () => {
          prepared += 1
          if (prepared === 1) await preparing.opened
        },
      }),
    )
    await until('the batch is being prepared', () => prepared === 1)
    await takeOver(stage.database, { consumer: 'effects', topic: ORDER_TOPIC, partition: 0 }, 'a newer owner')
    preparing.open()
    await until('the fence is counted', async () => (await consumer.figures()).fences === 1)
    expect(await metricValue('tributary_consumer_fences_total', { consumer: 'effects' })).to.equal(fences + 1)
    expect(await values()).to.deep.equal([])
    expect(positions).to.have.length(2)
    await stage.append('a', '3')
    await untilEffects(3)
    expect(await values()).to.deep.equal(['1', '2', '3'])
  })

  it('stops after what is in hand, and leaves the rest to its next start', async () => {
    await stage.append('a', '1', '2', '3', '4', '5', '6')
    const applying = gate()
    let applied = 0
    const first = start(
      effectsConsumer({
        batchSize: 2,
        apply: async () => {
          applied += 1
          await applying.opened
        },
      }),
    )
    await until('a batch is being applied', () => applied === 1)
    const stopping = first.stop()
    applying.open()
    await stopping
    const [cursor] = await readCursors(stage.operator, 'effects', ORDER_TOPIC)
    expect(await values()).to.deep.equal(['1', '2', '3', '4', '5', '6'].slice(0, cursor?.next))
    expect(cursor?.next).to.be.lessThan(6)
    start(effectsConsumer())
    await untilEffects(6)
    expect(await values()).to.deep.equal(['1', '2', '3', '4', '5', '6'])
  })

  it('stops at once while it waits to try again', async () => {
    await stage.append('a', '1')
    let tries = 0
    const consumer = start(
      effectsConsumer({
        prepare: async () => {
          tries += 1
          throw Object.assign(new Error('not now'), { code: 'NOT_NOW', retriable: true })
        },
      }),
    )
    await until('it tried several times', () => tries > 3)
    await consumer.stop()
    expect(await values()).to.deep.equal([])
  })

  it('waits out an error that is retriable, for ever, and says what it waits for', async () => {
    await stage.append('a', '1')
    let isDown = true
    const consumer = start(
      effectsConsumer({
        prepare: async () => {
          if (isDown) throw Object.assign(new Error('not now'), { code: 'NOT_NOW', retriable: true })
        },
      }),
    )
    await until('the trouble shows', async () => (await consumer.figures()).partitions[0]?.trouble === 'NOT_NOW')
    isDown = false
    await untilEffects(1)
    // The effects can be seen before it hears of its commit.
    await until('the trouble is over', async () => !('trouble' in ((await consumer.figures()).partitions[0] ?? {})))
    expect((await consumer.figures()).parkedKeys).to.equal(0)
  })

  it('stands still since the event came that it does not get on with, however long nothing came before', async () => {
    let clock = Date.now() - 3_600_000
    const held = gate()
    const definition = effectsConsumer({ prepare: () => held.opened })
    const { database, log } = stage
    const consumer = startConsumer({ definition, database, log, logger: quietLogger, now: () => clock })
    running.push(consumer)
    await until('it has its partition', async () => (await consumer.figures()).partitions[0]?.stage !== 'elsewhere')
    await stage.append('a', '1')
    clock = Date.now() + 40_000
    const [partition] = (await consumer.figures()).partitions
    held.open()
    expect(partition?.stalledSeconds).to.be.within(40, 100)
  })

  it('applies each event once although its connections are killed all the while', async () => {
    const numbers = Array.from({ length: 200 }, (_, n) => `${n}`)
    const consumer = start(effectsConsumer({ batchSize: 3 }))
    await stage.append('a', ...numbers)
    for (let kills = 0; kills < 15; kills += 1) {
      const before = (await values()).length
      await stage.killConnections()
      await until('it goes on', async () => (await values()).length > before || before === numbers.length)
    }
    await untilEffects(200)
    expect(await values()).to.deep.equal(numbers)
    expect(await stage.operator.query('SELECT * FROM tributary_parked_key')).to.deep.equal([])
    await until('the figures can be read', () =>
      consumer.figures().then(
        ({ lag }) => lag === 0,
        () => false,
      ),
    )
  })

  it('goes on after a commit that came through although its answer was lost', async () => {
    await stage.append('a', '1', '2')
    let lost = 0
    const database: Database = {
      ...stage.database,
      transaction: async (work, options) => {
        const result = await stage.database.transaction(work, options)
        const [{ count } = { count: 0 }] = await stage.operator.query<{ count: number }[]>(
          'SELECT COUNT(*) AS count FROM test_effect',
        )
        if (count === 2 && ++lost === 1) throw new DatabaseError('DATABASE_UNAVAILABLE', 'the connection went away')
        return result
      },
    }
    const committed: number[] = []
    const definition = effectsConsumer({ committed: (_partition, next) => committed.push(next) })
    const consumer = startConsumer({ definition, database, log: stage.log, logger: quietLogger })
    running.push(consumer)
    await until('the commit is noted', () => committed.length === 1)
    expect(lost).to.be.greaterThan(0)
    await stage.append('a', '3')
    await untilEffects(3)
    expect(await values()).to.deep.equal(['1', '2', '3'])
    expect((await consumer.figures()).fences).to.equal(0)
  })

  it('keeps its partition after such a commit that only passed over events, though it has read on meanwhile', async () => {
    const readOn = gate()
    const log: EventLog = {
      ...stage.log,
      follow: ({ follower, ...options }) =>
        stage.log.follow({
          ...options,
          follower: {
            ...follower,
            batch: async (partition, slice, left) => {
              await follower.batch(partition, slice, left)
              if (slice.next === 2) readOn.open()
            },
          },
        }),
    }
    const moved = async () =>
      Math.max(0, ...(await readCursors(stage.operator, 'effects', ORDER_TOPIC)).map(({ next }) => next))
    let lost = 0
    const database: Database = {
      ...stage.database,
      transaction: async (work, options) => {
        const result = await stage.database.transaction(work, options)
        if ((await moved()) === 0 || ++lost > 1) return result
        await stage.appendStored(unwantedEvent(2))
        await readOn.opened
        throw new DatabaseError('DATABASE_UNAVAILABLE', 'the connection went away')
      },
    }
    const consumer = startConsumer({ definition: effectsConsumer(), database, log, logger: quietLogger })
    running.push(consumer)
    await stage.appendStored(unwantedEvent(1))
    await until('the cursor is moved over both', async () => (await moved()) === 2)
    expect(lost).to.be.greaterThan(0)
    expect((await consumer.figures()).fences).to.equal(0)
  })

  it('waits when a table is missing, rather than park every key of the log', async () => {
    await stage.append('a', '1')
    await stage.database.query('RENAME TABLE test_effect TO hidden')
    const consumer = start(effectsConsumer())
    const trouble = async () => (await consumer.figures()).partitions[0]?.trouble
    await until('the trouble shows', async () => (await trouble()) === 'DATABASE_SCHEMA_MISMATCH')
    await stage.database.query('RENAME TABLE hidden TO test_effect')
    await untilEffects(1)
    expect((await consumer.figures()).parkedKeys).to.equal(0)
  })

  it('tells its definition of take-over, commits and loss, each commit with where the cursor stands', async () => {
    await stage.append('a', '1', '2', '3')
    const told: string[] = []
    const consumer = start(
      effectsConsumer({
        batchSize: 2,
        assigned: async ({ partition, topic }) => {
          told.push(`assigned ${topic} ${partition}`)
        },
        committed: (partition, next) => told.push(`committed ${partition} ${next}`),
        revoked: async (partition) => {
          told.push(`revoked ${partition}`)
        },
      }),
    )
    await untilEffects(3)
    await consumer.stop()
    expect(told).to.deep.equal([`assigned ${ORDER_TOPIC} 0`, 'committed 0 2', 'committed 0 3', 'revoked 0'])
  })

  it('lets the owner of a partition work outside batches, until another takes it over', async () => {
    let owned: OwnedPartition | undefined
    const consumer = start(
      effectsConsumer({
        assigned: async (partition) => {
          owned = partition
        },
      }),
    )
    await until('the partition is assigned', () => owned !== undefined)
    const first = owned
    expect(await first?.fenced(async () => 'done')).to.equal('done')
    await takeOver(stage.database, { consumer: 'effects', topic: ORDER_TOPIC, partition: 0 }, 'a newer owner')
    const refused = await first?.fenced(async () => 'done').catch((error: unknown) => error)
    expect(refused).to.have.property('code', 'CONSUMER_FENCED')
    expect(first?.signal.aborted).to.equal(true)
    expect((await consumer.figures()).fences).to.equal(1)
  })

  it('gives a partition back when its definition cannot begin, and gets it again', async () => {
    await stage.append('a', '1')
    let tries = 0
    start(
      effectsConsumer({
        assigned: async () => {
          tries += 1
          if (tries === 1) throw new Error('not yet')
        },
      }),
    )
    await untilEffects(1)
    expect(tries).to.be.greaterThan(1)
  })
})

describe('members of a group', () => {
  it('share the partitions; when one leaves, the others go on where it ended', async () => {
    const stage = await openStage('members', { partitions: 4 })
    const keys = Array.from({ length: 20 }, (_, n) => `seller${n}`)
    const start = (member: string) =>
      startConsumer({
        definition: effectsConsumer({ member, batchSize: 3 }),
        database: stage.database,
        log: stage.log,
        logger: quietLogger,
      })
    const appendAll = (value: string) => Promise.all(keys.map((key) => stage.append(key, value)))
    const one = start('one')
    const two = start('two')
    try {
      const owned = async (consumer: RunningConsumer) =>
        (await consumer.figures()).partitions.filter((partition) => partition.stage !== 'elsewhere').length
      await until('both own half', async () => (await owned(one)) === 2 && (await owned(two)) === 2)
      await appendAll('first')
      await until('all had the first', async () => (await stage.effects()).length === 20)
      await one.stop()
      await appendAll('second')
      await until('all had the second', async () => (await stage.effects()).length === 40)
      const effects = await stage.effects()
      expect(new Set(effects.filter(({ value }) => value === 'first').map(({ member }) => member))).to.have.all.keys(
        'one',
        'two',
      )
      expect(new Set(effects.filter(({ value }) => value === 'second').map(({ member }) => member))).to.have.all.keys('two')
      for (const key of keys)
        expect(effects.filter((effect) => effect.key === key).map(({ value }) => value)).to.deep.equal(['first', 'second'])
    } finally {
      await Promise.all([one.stop(), two.stop()])
      await stage.close()
    }
  })
})
