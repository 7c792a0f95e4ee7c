import { randomBytes } from 'node:crypto'
import type { Delivered } from '@tributary/consumer'
import { openStage, quietLogger, type Stage } from '@tributary/consumer/testing'
import type { Connection } from '@tributary/database'
import { openVault } from '@tributary/vault'
import { expect } from 'chai'
import { defineProjectionConsumer, type PreparedBatch } from './projection-consumer.ts'
import { createRemarkBook } from './remark-counts.ts'
import { COUNTING_TABLE, counting } from './testing/counting.ts'
import { anEvent } from './testing/events.ts'

const { signal } = new AbortController()
/** An id that the table takes for none of its numbers. */
const UNFIT = 'unfit'

describe('Batches of several partitions that are applied together', () => {
  let stage: Stage
  let definition: ReturnType<typeof defineProjectionConsumer>
  before(async () => {
    stage = await openStage('apply_together', { partitions: 2 })
    await stage.database.query(COUNTING_TABLE)
    const { database } = stage
    const vault = await openVault({ database, masterKeys: [randomBytes(32)] })
    const book = createRemarkBook('counting', quietLogger)
    definition = defineProjectionConsumer({ projection: counting(1), database, vault, book })
  })
  after(() => stage.close())
  beforeEach(() => stage.database.query('DELETE FROM counting'))

  const heard = (partition: number, orderId: string): Promise<PreparedBatch> => {
    const delivered = { event: anEvent('OrderNotified', { orderId }), topic: 't', partition, position: 0, recordedTime: 0 }
    return definition.prepare([delivered as Delivered], signal, 0)
  }
  const together = (batches: readonly PreparedBatch[], texts: string[] = []): Promise<void> =>
    stage.database.transaction(async (connection) => {
      const watched: Connection = {
        query: (text, ...rest) => {
          texts.push(text)
          return connection.query(text, ...rest)
        },
      }
      await definition.applyTogether?.(watched, batches)
    })
  const commit = (...partitions: readonly number[]): void => {
    for (const partition of partitions) definition.committed?.(partition, 1, undefined)
  }
  const rows = async () =>
    (await stage.database.query('SELECT order_id, heard FROM counting ORDER BY id')).map((row) => ({ ...row }))

  it('write their rows with one statement a table', async () => {
    const texts: string[] = []
    await together([await heard(0, '11'), await heard(1, '12')], texts)
    commit(0, 1)
    expect(await rows()).to.deep.equal([
      { order_id: '11', heard: 1 },
      { order_id: '12', heard: 1 },
    ])
    expect(texts).to.have.length(1)
  })

  it('know what the batch before left, which was committed after they had loaded their rows', async () => {
    const before = await Promise.all([heard(0, '21'), heard(1, '22')])
    const after = await Promise.all([heard(0, '21'), heard(1, '22')])
    await together(before)
    commit(0, 1)
    await together(after)
    commit(0, 1)
    expect(await rows()).to.deep.equal([
      { order_id: '21', heard: 2 },
      { order_id: '22', heard: 2 },
    ])
  })

  it('leave nothing in memory when their transactions fail', async () => {
    const [fine, unfit] = [await heard(0, '31'), await heard(1, UNFIT)]
    const undone = stage.database.transaction(async (connection) => {
      await definition.apply(connection, fine)
      throw new Error('The commit fails.')
    })
    expect(await undone.catch((error: Error) => error.message)).to.equal('The commit fails.')
    expect(await together([fine, unfit]).catch((error: unknown) => error)).to.be.an.instanceOf(Error)
    const next = await heard(0, '31')
    // A partition whose event is parked comes forward without effects.
    commit(0, 1)
    await together([next])
    commit(0)
    expect(await rows()).to.deep.equal([{ order_id: '31', heard: 1 }])
  })
})
