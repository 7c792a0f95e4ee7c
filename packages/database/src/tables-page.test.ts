import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'

const ROOT = join(import.meta.dirname, '../../..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

/** Tables of operators, which nobody else reads. */
const OPERATORS = ['eg_order_app', 'eg_spi']
/** Columns that every table has; the page tells of them once. */
const EVERYWHERE = ['id', 'create_user_id', 'create_by', 'create_time', 'update_user_id', 'update_by', 'update_time', 'deleted']

const inBackticks = (text: string): Set<string> => new Set([...text.matchAll(/`(\w+)`/g)].map(([, name = '']) => name))

describe('docs/tables.md', () => {
  it('tells of every column of every table that downstream teams read, and of no other', () => {
    const page = read('docs/tables.md')
    const contract = read('test/fixtures/schema/given-tables.mysql.sql')
    for (const [, table = '', body = ''] of contract.matchAll(/CREATE TABLE `(\w+)`\s*\(([\s\S]*?)\n\) ENGINE/g)) {
      if (OPERATORS.includes(table)) continue
      const columns = [...body.matchAll(/^\s*`(\w+)` /gm)]
        .map(([, column = '']) => column)
        .filter((one) => !EVERYWHERE.includes(one))
      const rows = [...page.matchAll(/^\| (column.*?) \|.*\n((?:\|.*\n)+)/gm)]
      const section = sectionOf(page, table)
      const own = rows.filter(
        ([whole, head = '']) => section.includes(whole) && (head.trim() === 'column' || inBackticks(head).has(table)),
      )
      const told = own.flatMap(([, , lines = '']) =>
        lines.split('\n').flatMap((line) => [...inBackticks(line.split('|')[1] ?? '')]),
      )
      expect(told.toSorted(), table).to.deep.equal(columns.toSorted())
    }
  })
})

/** From the heading that names a table to the next. */
const sectionOf = (page: string, table: string): string =>
  page.split(/^## /m).find((section) => inBackticks(section.split('\n', 1)[0] ?? '').has(table)) ?? ''
