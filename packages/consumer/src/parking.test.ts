import { openDatabase } from '@tributary/database'
import { ORDER_TOPIC, sellerKey } from '@tributary/events'
import { metricsText } from '@tributary/runtime'
import { metricValue } from '@tributary/runtime/testing'
import { startRelay, until } from '@tributary/test/servers'
import { expect } from 'chai'
import {
  type ConsumerDefinition,
  listParked,
  type RunningConsumer,
  readCursors,
  readSetAside,
  requeue,
  skip,
  startConsumer,
} from './index.ts'
import { type Effect, effectsConsumer, openStage, quietLogger, type Stage, storedEvent } from './testing/stage.ts'

describe('poison events', () => {
  let stage: Stage
  let running: RunningConsumer[] = []
  /** Values whose events fail in `apply`, after their rows were written. */
  let bad = new Set<string>()

  const start = <P>(definition: ConsumerDefinition<P>): RunningConsumer => {
    const consumer = startConsumer({ definition, database: stage.database, log: stage.log, logger: quietLogger })
    running.push(consumer)
    return consumer
  }
  const failing = (effects: readonly Effect[]): void => {
    if (effects.some(({ value }) => bad.has(value))) throw Object.assign(new Error('cannot be'), { code: 'TEST_POISON' })
  }
  const startFailing = (options: { poison?: 'park' | 'stop'; batchSize?: number } = {}) =>
    start(effectsConsumer({ ...options, apply: failing }))
  const valuesOf = async (key: string) => (await stage.effects()).filter((one) => one.key === key).map(({ value }) => value)
  const parked = () => listParked(stage.database, { consumer: 'effects' })
  const untilCursorAt = (position: number) =>
    until(`the cursor stands at ${position}`, async () => {
      const [cursor] = await readCursors(stage.database, 'effects', ORDER_TOPIC)
      return cursor?.next === position
    })
  const untilParked = (count: number) => until(`${count} keys are parked`, async () => (await parked()).length === count)

  beforeEach(async () => {
    running = []
    bad = new Set()
    stage = await openStage('poison', { partitions: 1 })
  })
  afterEach(async () => {
    await Promise.all(running.map((consumer) => consumer.stop()))
    await stage.close()
  })

  it('park their key with the later events of it behind them; other keys go on, each event once', async () => {
    const parkings = await metricValue('tributary_consumer_parkings_total', { consumer: 'effects' })
    bad.add('a2')
    await stage.append('a', 'a1', 'a2', 'a3')
    await stage.append('b', 'b1')
    await stage.append('a', 'a4')
    await stage.append('b', 'b2')
    const consumer = startFailing()
    await untilCursorAt(6)
    expect(await valuesOf('a')).to.deep.equal(['a1'])
    expect(await valuesOf('b')).to.deep.equal(['b1', 'b2'])
    const [one, ...others] = await parked()
    expect(others).to.deep.equal([])
    expect(one).to.include({
      consumer: 'effects',
      topic: ORDER_TOPIC,
      partition: 0,
      key: sellerKey(1, 'a'),
      state: 'parked',
      position: 1,
      attempts: 3,
      errorCode: 'TEST_POISON',
      error: 'cannot be',
      waiting: 3,
    })
    expect((await consumer.health()).status).to.equal('degraded')
    expect((await consumer.figures()).parkedKeys).to.equal(1)
    const place = { consumer: 'effects', topic: ORDER_TOPIC, partition: 0 }
    expect(await metricValue('tributary_consumer_parked_keys', place)).to.equal(1)
    expect(await metricValue('tributary_consumer_parkings_total', { consumer: 'effects' })).to.equal(parkings + 1)
    await consumer.stop()
    expect(await metricsText()).not.to.include('tributary_consumer_parked_keys{')
  })

  it('hold back what is behind them in their key also where it was prepared before the key was parked', async () => {
    bad.add('a1')
    for (const value of ['a1', 'b1', 'a2', 'b2']) await stage.append(value.slice(0, 1), value)
    startFailing({ batchSize: 2 })
    await untilCursorAt(4)
    expect(await valuesOf('a')).to.deep.equal([])
    expect(await valuesOf('b')).to.deep.equal(['b1', 'b2'])
    expect((await parked())[0]?.waiting).to.equal(2)
  })

  it('are not what a server without room makes of every event: that is waited for', async () => {
    await stage.operator.query('SET SESSION max_heap_table_size = 16384')
    await stage.operator.query('CREATE TABLE test_small (value VARCHAR(2000)) ENGINE = MEMORY')
    const filled = await Promise.resolve()
      .then(async () => {
        for (;;) await stage.operator.query('INSERT INTO test_small VALUES (?)', ['x'.repeat(2_000)])
      })
      .catch((error: { code?: string }) => error.code)
    await stage.append('a', 'a1')
    let tries = 0
    const consumer = start(
      effectsConsumer({
        apply: async (_effects, connection) => {
          tries += 1
          await connection.query('INSERT INTO test_small VALUES (?)', ['x'.repeat(2_000)])
        },
      }),
    )
    await until('it was tried more often than poison is', () => tries > 4)
    expect(await parked()).to.deep.equal([])
    const [partition] = (await consumer.figures()).partitions
    expect(partition?.trouble).to.equal(filled)
    await stage.operator.query('DELETE FROM test_small')
    await untilCursorAt(1)
    expect(await valuesOf('a')).to.deep.equal(['a1'])
  })

  it('stay parked for the next owner, whose new events of the key queue behind as well', async () => {
    bad.add('a1')
    await stage.append('a', 'a1')
    const first = startFailing()
    await untilParked(1)
    await first.stop()
    await stage.append('a', 'a2')
    startFailing()
    await untilCursorAt(2)
    expect(await stage.effects()).to.deep.equal([])
    expect((await parked())[0]?.waiting).to.equal(2)
    expect(await readSetAside(stage.database, 'effects', ORDER_TOPIC)).to.have.all.keys('0:0', '0:1')
  })

  it('leave their key free when the answer to its last requeued event is lost, so that later events are applied', async () => {
    bad.add('a1')
    await stage.append('a', 'a1')
    const relay = await startRelay(stage.url)
    const database = openDatabase(relay.url)
    const definition = effectsConsumer({ apply: failing })
    const consumer = startConsumer({ definition, database, log: stage.log, logger: quietLogger })
    try {
      await untilParked(1)
      bad.clear()
      const lost = relay.loseAnswerTo('DELETE FROM tributary_parked_key', 'COMMIT')
      await requeue(stage.database, 'effects', sellerKey(1, 'a'))
      await lost
      await untilParked(0)
      await stage.append('a', 'a2')
      await untilCursorAt(2)
      expect(await valuesOf('a')).to.deep.equal(['a1', 'a2'])
      expect(await readSetAside(stage.database, 'effects', ORDER_TOPIC)).to.deep.equal(new Set())
      await until('no key is taken for parked', async () => (await consumer.figures()).parkedKeys === 0)
    } finally {
      await consumer.stop()
      await database.close()
      await relay.close()
    }
  })

  it('are applied in order when their key is requeued, and the key is free again', async () => {
    bad.add('a1')
    const values = Array.from({ length: 250 }, (_, n) => `a${n + 1}`)
    await stage.append('a', ...values)
    const consumer = startFailing()
    await untilCursorAt(250)
    bad.clear()
    expect(await requeue(stage.database, 'effects', sellerKey(1, 'a'))).to.equal('requeued')
    await untilParked(0)
    await stage.append('a', 'last')
    await until('the last is there', async () => (await stage.effects()).length === 251)
    expect(await valuesOf('a')).to.deep.equal([...values, 'last'])
    expect((await consumer.figures()).parkedKeys).to.equal(0)
    expect((await consumer.health()).status).to.equal('ok')
  })

  it('park their key again when they still fail: what comes before them is applied, what comes after waits', async () => {
    bad.add('a1').add('a3')
    await stage.append('a', 'a1', 'a2', 'a3', 'a4')
    startFailing()
    await untilCursorAt(4)
    bad.delete('a1')
    await requeue(stage.database, 'effects', sellerKey(1, 'a'))
    await until('it is parked at the third', async () => {
      const [one] = await parked()
      return one?.state === 'parked' && one.position === 2
    })
    expect(await valuesOf('a')).to.deep.equal(['a1', 'a2'])
    expect((await parked())[0]).to.include({ waiting: 2, attempts: 6 })
  })

  it('never have effects once skipped; the rest of the key goes on when it is requeued', async () => {
    bad.add('a1')
    await stage.append('a', 'a1', 'a2')
    startFailing()
    await untilCursorAt(2)
    const key = sellerKey(1, 'a')
    expect(await stage.database.transaction((connection) => skip(connection, 'effects', key, 0))).to.equal('skipped')
    expect(await stage.database.transaction((connection) => skip(connection, 'effects', key, 0))).to.equal('not-waiting')
    expect((await parked())[0]).to.include({ state: 'parked', waiting: 1 })
    await requeue(stage.database, 'effects', key)
    await untilParked(0)
    expect(await valuesOf('a')).to.deep.equal(['a2'])
    expect(await readSetAside(stage.database, 'effects', ORDER_TOPIC)).to.have.all.keys('0:0')
  })

  it('have no effects either when they are skipped at the moment they are about to be applied', async () => {
    bad.add('a1')
    await stage.append('a', 'a1', 'a2')
    const key = sellerKey(1, 'a')
    let isSkipping = false
    const skipFirst = async () => {
      if (!isSkipping) return
      isSkipping = false
      await stage.operator.transaction((connection) => skip(connection, 'effects', key, 0))
    }
    start(effectsConsumer({ prepare: skipFirst, apply: failing }))
    await untilCursorAt(2)
    bad.clear()
    isSkipping = true
    await requeue(stage.database, 'effects', key)
    await untilParked(0)
    expect(await valuesOf('a')).to.deep.equal(['a2'])
  })

  it('cannot be requeued or skipped under a key that is not parked', async () => {
    expect(await requeue(stage.database, 'effects', 'nobody')).to.equal('not-parked')
    expect(await stage.database.transaction((connection) => skip(connection, 'effects', 'nobody', 0))).to.equal('not-waiting')
  })

  it('are also those that cannot be decoded, found under the key that the log stored', async () => {
    const good = (value: string, number: number) => storedEvent('a', value, number)
    await stage.appendStored(
      good('a1', 1),
      { ...good('a2', 2), data: '{"channel":' },
      good('a3', 3),
      { ...storedEvent('b', 'b1', 4), dataversion: 99 },
      { ...storedEvent('c', 'c1', 5), data: '{"channel":"one"}' },
      storedEvent('d', 'd1', 6),
    )
    startFailing()
    await untilCursorAt(6)
    expect((await stage.effects()).map(({ value }) => value)).to.deep.equal(['a1', 'd1'])
    const keys = (await parked()).map(({ key, errorCode, attempts, waiting }) => ({ key, errorCode, attempts, waiting }))
    expect(keys).to.deep.equal([
      { key: sellerKey(1, 'a'), errorCode: 'EVENT_NOT_JSON', attempts: 1, waiting: 2 },
      { key: sellerKey(1, 'b'), errorCode: 'EVENT_VERSION_UNKNOWN', attempts: 1, waiting: 1 },
      { key: sellerKey(1, 'c'), errorCode: 'EVENT_INVALID', attempts: 1, waiting: 1 },
    ])
  })

  it('keep the order of a stored key when consumers park by finer keys', async () => {
    const finer = start({
      ...effectsConsumer({ apply: failing }),
      keyOf: (event) => (event.type === 'SellerConfigured' ? `${event.partitionkey}/${event.data.spiServerCodes[0]?.[0]}` : ''),
    })
    bad.add('x1')
    await stage.append('a', 'x1', 'y1')
    await stage.appendStored({ ...storedEvent('a', 'z1', 901), data: 'broken' })
    await stage.append('a', 'x2', 'y2')
    await untilCursorAt(5)
    expect(await valuesOf('a')).to.deep.equal(['y1'])
    bad.clear()
    const key = sellerKey(1, 'a')
    await stage.database.transaction((connection) => skip(connection, 'effects', key, 2))
    await requeue(stage.database, 'effects', key)
    await until('only the finer key is parked', async () => (await parked()).map((one) => one.key).join() === `${key}/x`)
    expect(await valuesOf('a')).to.deep.equal(['y1', 'y2'])
    await requeue(stage.database, 'effects', `${key}/x`)
    await untilParked(0)
    expect(await valuesOf('a')).to.deep.equal(['y1', 'y2', 'x1', 'x2'])
    await until('no key is taken for parked', async () => (await finer.figures()).parkedKeys === 0)
  })

  it('stop their partition instead when the definition says so', async () => {
    bad.add('a1')
    await stage.append('a', 'a1')
    await stage.append('b', 'b1')
    const consumer = startFailing({ poison: 'stop', batchSize: 1 })
    await until('the trouble shows', async () => (await consumer.figures()).partitions[0]?.trouble === 'TEST_POISON')
    expect(await stage.effects()).to.deep.equal([])
    bad.clear()
    await until('both are there', async () => (await stage.effects()).length === 2)
    expect(await parked()).to.deep.equal([])
  })

  it('stop their partition when too many keys fail in a row: that is no fault of the events', async () => {
    const keys = Array.from({ length: 120 }, (_, n) => `k${n}`)
    await stage.appendStored(...keys.map((key, n) => ({ ...storedEvent(key, 'v', n + 1), dataversion: 99 })))
    const consumer = startFailing()
    await until('it stands', async () => (await consumer.figures()).partitions[0]?.trouble === 'EVENT_VERSION_UNKNOWN')
    expect(await parked()).to.have.length(100)
  })

  it('leave no personal data behind: of an error without a code only its name and place are kept', async () => {
    await stage.append('a', 'a1')
    start(
      effectsConsumer({
        apply: () => {
          throw new RangeError('Alma Example, Beispielweg 1')
        },
      }),
    )
    await untilParked(1)
    const [one] = await parked()
    expect(one?.errorCode).to.equal('RangeError')
    expect(one?.error).to.match(/^A RangeError at parking\.test\.ts:\d+\.$/)
  })
})
