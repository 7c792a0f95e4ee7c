import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { migratedTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import type { Database } from './database.ts'
import { openDatabase } from './open-database.ts'
import { rejection } from './testing/rejection.ts'

const GUIDE = join(import.meta.dirname, '../../../docs/database.md')

describe('the reader that docs/database.md describes', () => {
  const name = `reader_${randomBytes(4).toString('hex')}`
  let admin: Database
  let reader: Database
  let drop: () => Promise<void>
  before(async () => {
    const test = await migratedTestDatabase('reader')
    admin = test.database
    const url = new URL(test.url)
    for (const statement of await documentedStatements()) {
      await admin.query(statement.replaceAll('tributary_reader', name).replaceAll('tributary.', `${url.pathname.slice(1)}.`))
    }
    const password = randomBytes(12).toString('hex')
    await admin.query(`CREATE USER '${name}_team'@'%' IDENTIFIED BY '${password}'`)
    await admin.query(`GRANT ${name} TO '${name}_team'@'%'`)
    const [server] = await admin.query<{ version: string }[]>('SELECT VERSION() AS version')
    const preposition = server?.version.includes('MariaDB') ? 'FOR' : 'TO'
    await admin.query(`SET DEFAULT ROLE ${name} ${preposition} '${name}_team'@'%'`)
    url.username = `${name}_team`
    url.password = password
    reader = openDatabase(url.href)
    drop = async () => {
      await reader.close()
      await admin.query(`DROP USER '${name}_team'@'%'`)
      await admin.query(`DROP ROLE ${name}`)
      await test.drop()
    }
  })
  after(() => drop())

  it('reads what we keep for everyone', async () => {
    for (const table of ['eg_order_order', 'eg_order_order_detail', 'eg_order_order_original', 'eg_wework_event_member'])
      expect(await reader.query('SELECT * FROM ??', [table])).to.deep.equal([])
    for (const table of ['eg_wework_member', 'eg_wework_member_dept', 'eg_wework_department'])
      expect(await reader.query('SELECT * FROM ??', [table])).to.deep.equal([])
    expect(
      await reader.query('SELECT id, channel, seller_id, spi_server_codes, deleted FROM eg_order_app_seller'),
    ).to.deep.equal([])
  })

  it('reads no secret and nothing of ours, and writes nothing', async () => {
    for (const statement of [
      'SELECT refresh_token FROM eg_order_app_seller',
      'SELECT * FROM eg_order_app',
      'SELECT * FROM eg_spi',
      'SELECT * FROM tributary_subject_key',
      'UPDATE eg_order_order SET deleted = id',
      'DELETE FROM eg_order_order',
      'INSERT INTO eg_wework_department (id, dept_id, name, create_time) VALUES (1, 1, 1, 1)',
    ])
      expect((await rejection(reader.query(statement))).code, statement).to.equal('DATABASE_REFUSED')
  })

  it('still reads a table after a rebuild has swapped it', async () => {
    await admin.query('CREATE TABLE eg_order_order_new LIKE eg_order_order')
    await admin.query('RENAME TABLE eg_order_order TO eg_order_order_old, eg_order_order_new TO eg_order_order')
    expect(await reader.query('SELECT id FROM eg_order_order')).to.deep.equal([])
    expect((await rejection(reader.query('SELECT id FROM eg_order_order_old'))).code).to.equal('DATABASE_REFUSED')
  })
})

/** The statements of the block that makes the role. */
async function documentedStatements(): Promise<string[]> {
  const guide = await readFile(GUIDE, 'utf8')
  const block = [...guide.matchAll(/```sql\n([\s\S]*?)```/g)]
    .map(([, sql]) => sql ?? '')
    .find((sql) => sql.includes('CREATE ROLE'))
  return (block ?? '')
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '')
}
