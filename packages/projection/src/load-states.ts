import type { Connection } from '@tributary/database'
import { inParts } from '@tributary/runtime'
import type { Cell, KeyState, Row, TableDefinition } from './definition.ts'
import { forcibleIndexes, whileUsable } from './forced-index.ts'
import { keyText } from './keys.ts'

/** Keys or ids in one SELECT. Servers make other, worse plans for lists of more than 1,000. */
const MOST_IN_A_LIST = 500

/** Loads the rows of keys; see `createStateLoader`. */
export type LoadStates = (connection: Connection, keys: ReadonlyMap<string, readonly Cell[]>) => Promise<Map<string, KeyState>>

type Found = Map<string, Record<string, Row[]>>
/** What a SELECT needs to know: the table, the columns by which it looks, and the index to look in, if there is one. */
type Lookup = { table: TableDefinition; physical: string; columns: readonly string[]; index: string | undefined }

/** The name under which a table of a projection stands in the database; its own, unless it is being rebuilt. */
export type PhysicalName = (table: string) => string

/**
 * Makes a function that loads the rows of each key, one query a table unless there are very many keys. Every key gets a
 * state, with a list for every table. Only rows of exactly these keys count: the tables' collation would take ABC for abc.
 * It throws DatabaseError.
 */
export function createStateLoader(tables: readonly TableDefinition[], physical: PhysicalName = (table) => table): LoadStates {
  const lookups = whileUsable((connection) => readLookups(connection, tables, physical))
  const nothing: KeyState = Object.freeze(Object.fromEntries(tables.map(({ name }) => [name, Object.freeze([])])))
  return async (connection, keys) => {
    const found: Found = new Map()
    await lookups(connection, async (known) => {
      for (const lookup of known) {
        const { by } = lookup.table
        if ('columns' in by) await loadByKey(connection, lookup, keys, found)
        else await loadByParent(connection, lookup, by.parent, found)
      }
    })
    return new Map([...keys.keys()].map((key) => [key, stateOf(found.get(key), nothing)]))
  }
}

async function loadByKey(
  connection: Connection,
  lookup: Lookup,
  keys: ReadonlyMap<string, readonly Cell[]>,
  found: Found,
): Promise<void> {
  for (const row of await select(connection, lookup, [...keys.values()])) {
    const key = keyText(lookup.columns.map((column) => row[column] ?? null))
    if (keys.has(key)) addRow(found, key, lookup.table.name, row)
  }
}

async function loadByParent(connection: Connection, lookup: Lookup, parent: string, found: Found): Promise<void> {
  const keyOfParent = new Map<Cell, string>()
  for (const [key, state] of found) for (const row of state[parent] ?? []) keyOfParent.set(row['id'] ?? null, key)
  const [column = ''] = lookup.columns
  for (const row of await select(connection, lookup, [...keyOfParent.keys()])) {
    const key = keyOfParent.get(row[column] ?? null)
    if (key !== undefined) addRow(found, key, lookup.table.name, row)
  }
}

/**
 * The index is forced. Left to choose by statistics, which are stale whenever a table has just been filled, MariaDB 10.11
 * was seen to go through all orders of a seller for each key of a batch: seven seconds instead of ten milliseconds.
 */
async function select(
  connection: Connection,
  { table, physical, columns, index }: Lookup,
  list: readonly unknown[],
): Promise<Row[]> {
  const from = `${quoted(physical)}${index === undefined ? '' : ` FORCE INDEX (${quoted(index)})`}`
  const text = `SELECT ${table.columns.map(quoted).join(', ')} FROM ${from} WHERE (${columns.map(quoted).join(', ')}) IN (?)`
  const rows: Row[] = []
  for (const some of inParts(list, MOST_IN_A_LIST))
    for (const row of await connection.query<Row[]>(text, [some])) rows.push(row)
  return rows
}

/** Finds for each table the index that begins with the columns by which its rows are looked up. */
function readLookups(
  connection: Connection,
  tables: readonly TableDefinition[],
  physicalName: PhysicalName,
): Promise<Lookup[]> {
  return Promise.all(
    tables.map(async (table) => {
      const physical = physicalName(table.name)
      const columns = 'columns' in table.by ? table.by.columns : [table.by.column]
      const indexes = await forcibleIndexes(connection, physical)
      const index = indexes.find((one) => columns.every((column, place) => one.columns[place] === column))
      return { table, physical, columns, index: index?.name }
    }),
  )
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
