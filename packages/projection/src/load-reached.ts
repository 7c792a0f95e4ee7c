import type { Connection } from '@tributary/database'
import { inParts } from '@tributary/runtime'
import type { Cell, KeyState, Need, Row, TableDefinition } from './definition.ts'
import { forcibleIndexes, whileUsable } from './forced-index.ts'
import type { PhysicalName } from './load-states.ts'

/** Values in one SELECT. Servers make other, worse plans for lists of more than 1,000. */
const MOST_IN_A_LIST = 500

/** Loads rows by what events need, with their children; each table's rows once and sorted by id. Throws DatabaseError. */
export type LoadReached = (connection: Connection, needs: readonly Need[]) => Promise<KeyState>

/** Makes the loader of a projection with a `reach`. */
export function createReachLoader(tables: readonly TableDefinition[], physical: PhysicalName): LoadReached {
  const indexes = whileUsable((connection) => readIndexes(connection, tables, physical))
  return (connection, needs) =>
    indexes(connection, async (known) => {
      const state: Record<string, Row[]> = {}
      for (const table of tables) {
        const rows = new Map<Cell, Row>()
        for (const { column, values } of [...needs.filter((need) => need.table === table.name), ...childrenOf(table, state)]) {
          const index = known.get(`${table.name} ${column}`)
          for (const row of await select(connection, { table, physical: physical(table.name), column, index }, values))
            rows.set(row['id'] ?? null, row)
        }
        state[table.name] = [...rows.values()].sort((one, other) => Number(one['id']) - Number(other['id']))
      }
      return state
    })
}

function childrenOf({ by }: TableDefinition, loaded: Record<string, readonly Row[]>) {
  if ('columns' in by) return []
  return [{ column: by.column, values: (loaded[by.parent] ?? []).map((row) => row['id'] ?? null) }]
}

async function select(
  connection: Connection,
  { table, physical, column, index }: { table: TableDefinition; physical: string; column: string; index: string | undefined },
  values: readonly Cell[],
): Promise<Row[]> {
  const rows: Row[] = []
  for (const list of inParts([...new Set(values)], MOST_IN_A_LIST)) {
    const found = index
      ? await connection.query<Row[]>('SELECT ?? FROM ?? FORCE INDEX (??) WHERE ?? IN (?)', [
          [...table.columns],
          physical,
          index,
          column,
          list,
        ])
      : await connection.query<Row[]>('SELECT ?? FROM ?? WHERE ?? IN (?)', [[...table.columns], physical, column, list])
    for (const row of found) rows.push(row)
  }
  return rows
}

/**
 * The index that begins with a column, by `table column`. It is forced, because the statistics of a table that has just
 * been filled are stale (load-states.ts says what that cost).
 */
async function readIndexes(
  connection: Connection,
  tables: readonly TableDefinition[],
  physical: PhysicalName,
): Promise<ReadonlyMap<string, string>> {
  const indexes = new Map<string, string>()
  for (const { name: table } of tables)
    for (const { name, columns } of await forcibleIndexes(connection, physical(table)))
      indexes.set(`${table} ${columns[0]}`, name)
  return indexes
}
