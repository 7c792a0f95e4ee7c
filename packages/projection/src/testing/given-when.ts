import assert from 'node:assert/strict'
import type { Cell, KeyState, OpenedEvent, Projection, Remark, Row } from '../definition.ts'

/** Where a fold stands after the events of `when`. */
export type Outcome = {
  state: KeyState
  /** What the events of `when` made the fold notice; those of `given` are left out. */
  remarks: readonly Remark[]
  /** The rows of a table, sorted by id. */
  rows(table: string): readonly Row[]
  /** The only row of a table. Fails when there are none or more. */
  row(table: string): Row
  /** Whether the fold answered the very same state as before `when`: nothing would be written. */
  unchanged: boolean
}

/**
 * Folds events as the engine would, over states frozen to the bottom, and checks at each step what every projection owes:
 * the same answer twice, lists sorted by id, exactly the columns of the definition. Example:
 * `given(orders, anOrderReceived()).when(aPersonalDataErased()).row('eg_order_order')`.
 */
export const given = (projection: Projection, ...events: readonly OpenedEvent[]) => {
  const before = foldAll(projection, {}, events).state
  return {
    when: (...more: readonly OpenedEvent[]): Outcome => {
      const { state, remarks } = foldAll(projection, before, more)
      const rows = (table: string): readonly Row[] => state[table] ?? []
      const row = (table: string): Row => {
        const [first, ...others] = rows(table)
        assert.ok(first && others.length === 0, `${table} has ${rows(table).length} rows, not one`)
        return first
      }
      return { state, remarks, rows, row, unchanged: state === before }
    },
  }
}

const foldAll = (projection: Projection, from: KeyState, events: readonly OpenedEvent[]) => {
  let state = frozen(from)
  const remarks: Remark[] = []
  for (const event of events) {
    const folded = projection.fold(state, frozen(event))
    assert.deepEqual(projection.fold(state, event), folded, `${projection.name} answers differently the second time`)
    checkShape(projection, folded.state)
    state = frozen(folded.state)
    remarks.push(...folded.remarks)
  }
  return { state, remarks }
}

const checkShape = ({ tables }: Projection, state: KeyState): void => {
  const names = tables.map(({ name }) => name)
  for (const table of Object.keys(state)) assert.ok(names.includes(table), `${table} is no table of the projection`)
  for (const { name, columns } of tables) {
    const rows = state[name] ?? []
    for (const row of rows) assert.deepEqual(Object.keys(row).sort(), [...columns].sort(), `columns of a row of ${name}`)
    const ids = rows.map((row): Cell => row['id'] ?? null)
    assert.deepEqual(
      ids,
      [...new Set(ids)].sort((one, other) => Number(one) - Number(other)),
      `ids of ${name}, sorted and distinct`,
    )
  }
}

const frozen = <T>(value: T): T => {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const part of Object.values(value)) frozen(part)
  return Object.freeze(value)
}
