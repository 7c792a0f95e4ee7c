import type { Database } from '@tributary/database'
import { inSpan, startTelemetry } from '@tributary/runtime'
import { type CollectedSpan, createCollector } from '@tributary/test/collector'
import { migratedTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import { commitGroupOf } from './commit-group.ts'
import { takeOver } from './cursor.ts'

describe('The traces of commits that are shared', () => {
  let database: Database
  let drop: () => Promise<void>
  let collector: Awaited<ReturnType<typeof createCollector>>
  let telemetry: Awaited<ReturnType<typeof startTelemetry>>
  before(async () => {
    ;({ database, drop } = await migratedTestDatabase('commit_traces'))
  })
  after(() => drop())
  beforeEach(async () => {
    collector = await createCollector()
    telemetry = await startTelemetry({ endpoint: collector.url, sampling: 1, serviceName: 'test' })
  })
  afterEach(() => collector.close())

  const together = async () => {}
  /** Moves the cursors of these consumers at the same time, each in a span of its own, and sends what was traced. */
  async function moveAll(consumers: readonly string[], root: boolean): Promise<void> {
    const cursors = await Promise.all(
      consumers.map((consumer) => takeOver(database, { consumer, topic: 'orders', partition: 0 }, '')),
    )
    const move = (index: number) => {
      const [cursor] = cursors.slice(index)
      if (!cursor) throw new Error('It was not taken over.')
      const effects = { before: async () => {}, together, prepared: [undefined] }
      return commitGroupOf(database, false).move({ cursor, to: cursor.next + 1, events: 1, ...effects })
    }
    await inSpan('event', { root: true }, () =>
      Promise.all(consumers.map((consumer, index) => inSpan(consumer, { root }, () => move(index)))),
    )
    await telemetry.stop()
  }
  const named = (name: string): CollectedSpan => {
    const [span, ...others] = collector.spans.filter((one) => one.name === name)
    if (!span || others.length > 0) throw new Error(`There is not one span ${name}.`)
    return span
  }

  it('go on in the trace of the event, when all do something with the same one', async () => {
    await moveAll(['index', 'rows'], false)
    for (const name of ['commit together', 'apply'])
      expect(named(name)).to.include({ traceId: named('event').traceId, parentSpanId: named('index').spanId })
  })

  it('are of their own for several events, and linked to those of each', async () => {
    await moveAll(['first', 'second'], true)
    const ids = ['first', 'second'].map((name) => named(name).traceId)
    for (const name of ['commit together', 'apply']) {
      expect(ids).not.to.include(named(name).traceId)
      expect(named(name).links.map(({ traceId }) => traceId)).to.deep.equal(ids)
    }
  })
})
