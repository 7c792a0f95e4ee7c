import { migratedTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import { countQuarantine, quarantine } from './quarantine.ts'

describe('the quarantine of callbacks', () => {
  let stage: Awaited<ReturnType<typeof migratedTestDatabase>>
  before(async () => {
    stage = await migratedTestDatabase('quarantine')
  })
  after(() => stage.drop())

  it('keeps as much of an address as its column holds, and tells those apart that differ behind it', async () => {
    const { database } = stage
    const start = `/wework/verify/${encodeURIComponent('客户'.repeat(20))}/data/`
    const one = { customer: '客户'.repeat(20), reason: 'receive_id_mismatch', body: Buffer.from('x') } as const
    await quarantine(database, { ...one, address: `${start}a` })
    await quarantine(database, { ...one, address: `${start}b` })
    const rows = await database.query('SELECT address, times FROM tributary_wework_quarantine')
    expect(rows).to.deep.equal(Array.from({ length: 2 }, () => ({ address: start.slice(0, 200), times: 1 })))
    await database.query('DELETE FROM tributary_wework_quarantine')
  })

  it('keeps the newest thousand, so that nobody fills a disk with it', async () => {
    const { database } = stage
    const rows = Array.from({ length: 1_005 }, (_, number) => {
      const digest = Buffer.alloc(32)
      digest.writeUInt32BE(number)
      return [digest, 'keyfil', '/', 'receive_id_mismatch', Buffer.from('x'), 1_000 + number, 1_000 + number]
    })
    await database.query(
      'INSERT INTO tributary_wework_quarantine (digest, customer, address, reason, body, first_time, last_time) VALUES ?',
      [rows],
    )
    const one = { customer: 'keyfil', address: '/', reason: 'suite_id_mismatch', body: Buffer.from('y') } as const
    await quarantine(database, one)
    await quarantine(database, one)
    const [row] = await database.query<{ kept: number; oldest: number; most: number }[]>(
      'SELECT COUNT(*) AS kept, MIN(last_time) AS oldest, MAX(times) AS most FROM tributary_wework_quarantine',
    )
    expect(row).to.deep.equal({ kept: 1_000, oldest: 1_006, most: 2 })
    expect(await countQuarantine(database)).to.equal(1)
  })
})
