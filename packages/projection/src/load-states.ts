import type { Connection } from '@tributary/database'
import type { Cell, KeyState, Row, TableDefinition } from './definition.ts'
import { keyText } from './keys.ts'

/** Keys or ids in one SELECT. MariaDB stops using the index for lists of more than 1,000 (in_predicate_conversion_threshold). */
const MOST_IN_A_LIST = 500

type Found = Map<string, Record<string, Row[]>>

/**
 * Loads the rows of each key, one query a table unless there are very many keys. Every key gets a state, with a list for
 * every table. Only rows of exactly these keys count: the tables' collation would take ABC for abc. Throws DatabaseError.
 */
export async function loadStates(
  connection: Connection,
  tables: readonly TableDefinition[],
  keys: ReadonlyMap<string, readonly Cell[]>,
): Promise<Map<string, KeyState>> {
  const found: Found = new Map()
  for (const table of tables) {
    if ('columns' in table.by) await loadByKey(connection, table, table.by.columns, keys, found)
    else await loadByParent(connection, table, table.by, found)
  }
  const nothing: KeyState = Object.freeze(Object.fromEntries(tables.map(({ name }) => [name, Object.freeze([])])))
  return new Map([...keys.keys()].map((key) => [key, stateOf(found.get(key), nothing)]))
}

async function loadByKey(
  connection: Connection,
  table: TableDefinition,
  columns: readonly string[],
  keys: ReadonlyMap<string, readonly Cell[]>,
  found: Found,
): Promise<void> {
  const condition = `(${columns.map(quoted).join(', ')}) IN (?)`
  for (const rows of await select(connection, table, condition, [...keys.values()]))
    for (const row of rows) {
      const key = keyText(columns.map((column) => row[column] ?? null))
      if (keys.has(key)) addRow(found, key, table.name, row)
    }
}

async function loadByParent(
  connection: Connection,
  table: TableDefinition,
  by: { parent: string; column: string },
  found: Found,
): Promise<void> {
  const keyOfParent = new Map<Cell, string>()
  for (const [key, state] of found) for (const row of state[by.parent] ?? []) keyOfParent.set(row['id'] ?? null, key)
  for (const rows of await select(connection, table, `${quoted(by.column)} IN (?)`, [...keyOfParent.keys()]))
    for (const row of rows) {
      const key = keyOfParent.get(row[by.column] ?? null)
      if (key !== undefined) addRow(found, key, table.name, row)
    }
}

async function select(
  connection: Connection,
  table: TableDefinition,
  condition: string,
  list: readonly unknown[],
): Promise<Row[][]> {
  const text = `SELECT ${table.columns.map(quoted).join(', ')} FROM ${quoted(table.name)} WHERE ${condition}`
  const results: Row[][] = []
  for (let start = 0; start < list.length; start += MOST_IN_A_LIST)
    results.push(await connection.query<Row[]>(text, [list.slice(start, start + MOST_IN_A_LIST)]))
  return results
}

function addRow(found: Found, key: string, table: string, row: Row): void {
  const state = found.get(key) ?? {}
  found.set(key, state)
  const rows = state[table] ?? []
  state[table] = rows
  rows.push(row)
}

function stateOf(rows: Record<string, Row[]> | undefined, nothing: KeyState): KeyState {
  if (!rows) return nothing
  for (const list of Object.values(rows)) list.sort((one, other) => Number(one['id']) - Number(other['id']))
  return { ...nothing, ...rows }
}

const quoted = (identifier: string): string => `\`${identifier.replaceAll('`', '``')}\``
