import { type Database, openDatabase } from '@tributary/database'
import { migratedTestDatabase, startRelay } from '@tributary/test/servers'
import { expect } from 'chai'
import { watchUnmappedCorps } from './unmapped-corps.ts'

const MAPPED = [{ customer: 'keyfil', suiteId: 'ww0suite', authCorpId: 'wpMapped' }]

describe('the watch for corps without a directory', () => {
  let url: string
  let database: Database
  let drop: () => Promise<void>
  before(async () => {
    const made = await migratedTestDatabase('unmapped')
    ;({ url, drop } = made)
    // One connection, whose session counts what the server reads for it.
    database = openDatabase(url, { connections: 1 })
    const row = (corp: string, suite: string) => [suite, corp, 1, 'someone', 1]
    const rows = [
      ...Array.from({ length: 3_000 }, () => row('wpMapped', 'ww0suite')),
      ...Array.from({ length: 1_200 }, () => row('wpMany', 'ww0suite')),
      ...['ww0suite', 'ww0suite', ''].map((suite) => row('wpFew', suite)),
    ]
    await database.query(
      'INSERT INTO eg_wework_event_member (suite_id, auth_corp_id, timestamp, user_id, create_time) VALUES ?',
      [rows],
    )
  })
  after(async () => {
    await database.close()
    await drop()
  })

  const rowsRead = async (): Promise<number> => {
    const rows = await database.query<{ Value: string }[]>("SHOW SESSION STATUS LIKE 'Handler_read%'")
    return rows.reduce((sum, { Value }) => sum + Number(Value), 0)
  }

  it('names each with its suite, and counts far enough to tell few events from many', async () => {
    const { status, reason, details } = await watchUnmappedCorps(database, MAPPED)()
    expect(status).to.equal('degraded')
    expect(reason).to.include(
      'wpFew (self-built): 1 events, wpFew (ww0suite): 2 events, wpMany (ww0suite): 1000 or more events',
    )
    expect(details).to.have.nested.property('unmapped.length', 3)
  })

  it('reads a few rows of a table in which each change ever made has one', async () => {
    const all = [...MAPPED, ...['wpMany', 'wpFew'].map((authCorpId) => ({ ...MAPPED[0], authCorpId }))] as typeof MAPPED
    const before = await rowsRead()
    expect((await watchUnmappedCorps(database, all)()).status).to.equal('ok')
    expect((await rowsRead()) - before).to.be.below(50)
  })

  it('is degraded, as everything is, while the database is away', async () => {
    const relay = await startRelay(url)
    const away = openDatabase(relay.url)
    relay.cut()
    try {
      const { status, reason } = await watchUnmappedCorps(away, MAPPED)()
      expect(status).to.equal('degraded')
      expect(reason).to.include('DATABASE_UNAVAILABLE')
    } finally {
      await away.close()
      await relay.close()
    }
  })
})
