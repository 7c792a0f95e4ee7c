import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { emptyTestDatabase } from '@tributary/test/servers'
import { expect } from 'chai'
import type { Database } from '../database.ts'
import { applyMigrations } from '../migrate.ts'
import { openDatabase } from '../open-database.ts'
import { migration as givenTables } from './001-given-tables.ts'
import { migration as widenings } from './002-widenings.ts'
import { migration as weworkDirectory } from './015-wework-directory.ts'

const FIXTURE = join(import.meta.dirname, '../../../../test/fixtures/schema/given-tables.mysql.sql')

const WIDENED: Readonly<Record<string, string>> = {
  'eg_order_app_seller.refresh_token': 'text',
  'eg_order_order.receiver_address_detail': 'varchar(1000)',
  'eg_order_order.receiver_city': 'varchar(128)',
  'eg_order_order_original.original': 'mediumtext',
  'eg_wework_member.direct_leader': 'varchar(512)',
}

const DESCRIPTIONS = {
  columns: `SELECT table_name AS 'table', column_name AS name, ordinal_position AS place, column_type AS type, is_nullable AS nullable,
      column_default AS standard, extra, column_comment AS comment, character_set_name AS charset, collation_name AS collation
    FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name LIKE 'eg\\_%' ORDER BY table_name, ordinal_position`,
  indexes: `SELECT table_name AS 'table', index_name AS name, seq_in_index AS place, column_name AS 'column', non_unique AS many,
      index_type AS type, sub_part AS part, collation AS direction
    FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name LIKE 'eg\\_%'
    ORDER BY table_name, index_name, seq_in_index`,
  tables: `SELECT table_name AS name, engine, row_format AS format, table_collation AS collation, table_comment AS comment,
      auto_increment AS next
    FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name LIKE 'eg\\_%' ORDER BY table_name`,
}
type Description = Record<keyof typeof DESCRIPTIONS, Record<string, unknown>[]>

describe('the given tables', () => {
  let theirs: Description
  const ends: (() => Promise<void>)[] = []
  const open = async (name: string): Promise<Database> => {
    const { url, drop } = await emptyTestDatabase(name)
    const database = openDatabase(url, { connections: 1 })
    ends.push(() => database.close(), drop)
    return database
  }
  before(async () => {
    const database = await open('given')
    await loadScript(database)
    theirs = await describeTables(database)
  })
  after(async () => {
    for (const end of ends) await end()
  })

  it('are ten, as the script of their owner makes them', () => {
    expect(theirs.tables).to.have.length(10)
    expect(theirs.columns).to.have.length(184)
  })

  it('come out of the first migration to the letter: columns, indexes, comments, engine, row format', async () => {
    const database = await open('given_ours')
    await applyMigrations(database, [givenTables])
    expect(await describeTables(database)).to.deep.equal(theirs)
  })

  it('are left alone by the first migration where they exist, with their rows', async () => {
    const database = await open('given_before')
    await loadScript(database)
    await database.query("INSERT INTO eg_spi (type, server_code, server_name, create_time) VALUES (1, 'WMS', 'warehouse', 1)")
    await applyMigrations(database, [givenTables])
    expect(await database.query('SELECT server_code FROM eg_spi')).to.deep.equal([{ server_code: 'WMS' }])
  })

  it('are widened in four columns and changed in nothing else', async () => {
    const database = await open('given_widened')
    await applyMigrations(database, [givenTables, widenings, weworkDirectory])
    const ours = await describeTables(database)
    const expected = theirs.columns.map((column) => {
      const type = WIDENED[`${column['table']}.${column['name']}`]
      if (!type) return column
      // A TEXT can have no literal default before MySQL 8.0.13.
      return type === 'text' ? { ...column, type, standard: null } : { ...column, type }
    })
    expect(ours.columns).to.deep.equal(expected)
    expect(ours.indexes).to.deep.equal(theirs.indexes)
    expect(ours.tables).to.deep.equal(theirs.tables)
  })

  it('hold what did not fit before, in the rows they had', async () => {
    const database = await open('given_rows')
    await applyMigrations(database, [givenTables])
    const insert = `INSERT INTO eg_order_app_seller (id, channel, seller_id, order_app_id, refresh_token, create_time) VALUES (?, 3, 's', 1, ?, 1)`
    await database.query(insert, [1, 'short'])
    await applyMigrations(database, [givenTables, widenings, weworkDirectory])
    await database.query(insert, [2, 'x'.repeat(4_000)])
    const rows = await database.query('SELECT LENGTH(refresh_token) AS length FROM eg_order_app_seller ORDER BY id')
    expect(rows).to.deep.equal([{ length: 5 }, { length: 4_000 }])
  })
})

async function loadScript(database: Database): Promise<void> {
  const script = (await readFile(FIXTURE, 'utf8')).replaceAll(/^--.*$/gm, '')
  for (const statement of script.split(/;\s*$/m)) {
    if (statement.trim() !== '') await database.query(statement)
  }
}

async function describeTables(database: Database): Promise<Description> {
  const [columns, indexes, tables] = await Promise.all([
    database.query(DESCRIPTIONS.columns),
    database.query(DESCRIPTIONS.indexes),
    database.query(DESCRIPTIONS.tables),
  ])
  return { columns, indexes, tables }
}
