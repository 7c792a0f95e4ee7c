import type { Cell, KeyState, Row } from '@tributary/projection'

/** The rows that a batch works on, by table and id, found by the columns that the fold asks for. */
export type Ledger = {
  row(table: string, id: Cell): Row | undefined
  rows(table: string): Iterable<Row>
  /** Rows of a table whose column has this value, by id: how a batch was cut must not show. */
  where(table: string, column: string, value: Cell): readonly Row[]
  /** Takes a row in the place of the one with its id; a row that says the same changes nothing. */
  put(table: string, row: Row): void
  /** The state to answer: the very one that the ledger began with when nothing changed. */
  state(): KeyState
}

const byId = (one: Row, other: Row): number => Number(one['id']) - Number(other['id'])

export function createLedger(before: KeyState, tables: readonly string[]): Ledger {
  const all = new Map(tables.map((table) => [table, new Map((before[table] ?? []).map((row) => [row['id'] ?? null, row]))]))
  const indexes = new Map<string, Map<Cell, Set<Cell>>>()
  const changed = new Set<string>()
  const rowsOf = (table: string): Map<Cell, Row> => all.get(table) ?? new Map()

  const indexOf = (table: string, column: string): Map<Cell, Set<Cell>> => {
    const name = `${table} ${column}`
    const known = indexes.get(name)
    if (known) return known
    const index = new Map<Cell, Set<Cell>>()
    indexes.set(name, index)
    for (const row of rowsOf(table).values()) addTo(index, row[column] ?? null, row['id'] ?? null)
    return index
  }

  return {
    row: (table, id) => rowsOf(table).get(id),
    rows: (table) => rowsOf(table).values(),
    where: (table, column, value) =>
      [...(indexOf(table, column).get(value) ?? [])]
        .map((id) => rowsOf(table).get(id))
        .filter((row) => row !== undefined)
        .sort(byId),
    put(table, row) {
      const id = row['id'] ?? null
      const known = rowsOf(table).get(id)
      if (known && Object.keys(row).every((column) => row[column] === known[column])) return
      rowsOf(table).set(id, row)
      changed.add(table)
      for (const [name, index] of indexes) {
        const [of, column = ''] = name.split(' ')
        if (of !== table) continue
        index.get(known?.[column] ?? null)?.delete(id)
        addTo(index, row[column] ?? null, id)
      }
    },
    state() {
      if (changed.size === 0) return before
      const sorted = (table: string) => [...rowsOf(table).values()].sort(byId)
      return Object.fromEntries(tables.map((table) => [table, changed.has(table) ? sorted(table) : (before[table] ?? [])]))
    },
  }
}

function addTo(index: Map<Cell, Set<Cell>>, value: Cell, id: Cell): void {
  const ids = index.get(value)
  if (ids) ids.add(id)
  else index.set(value, new Set([id]))
}
