import type { Connection } from '@tributary/database'
import { addChanged, type ChangedRows } from './changed-rows.ts'
import type { KeyState, Need, OpenedEvent, Projection, Reach, Remark } from './definition.ts'
import type { LoadReached } from './load-reached.ts'
import type { PhysicalName } from './load-states.ts'

/** Rows of a sweep in memory at once. */
const PAGE = 500

export type ReachContext = {
  projection: Projection & { reach: Reach }
  connection: Connection
  physical: PhysicalName
  load: LoadReached
  write(changed: ChangedRows): Promise<void>
}

/**
 * Folds a batch of a projection with a `reach` and writes what changed, all on one connection: what an event needs is
 * loaded after all before it has been written. Answers what was noticed, and how many rows were written by table.
 */
export async function applyReach(
  context: ReachContext,
  events: readonly OpenedEvent[],
): Promise<{ remarks: Remark[]; rows: Map<string, number> }> {
  const done = { remarks: [] as Remark[], rows: new Map<string, number>() }
  const { reach } = context.projection
  for (let start = 0; start < events.length; ) {
    const rest = events.slice(start)
    const next = rest.findIndex((event) => isAlone(reach, event))
    const together = rest.slice(0, next === -1 ? rest.length : Math.max(1, next))
    const [first] = together
    if (first && reach.sweep(first)) await sweep(context, first, done)
    else await foldOver(context, reach.needs(together), together, done)
    start += together.length
  }
  return done
}

const isAlone = (reach: Reach, event: OpenedEvent): boolean => reach.sweep(event) !== undefined || reach.frees?.(event) === true

type Done = Awaited<ReturnType<typeof applyReach>>

async function foldOver(context: ReachContext, needs: readonly Need[], events: readonly OpenedEvent[], done: Done) {
  const { projection, connection, load, write } = context
  const before: KeyState = await load(connection, needs)
  const { state, remarks } = projection.reach.fold(before, events)
  const changed: ChangedRows = new Map()
  addChanged(changed, projection.tables, before, state)
  await write(changed)
  for (const remark of remarks) done.remarks.push(remark)
  for (const [table, rows] of changed) done.rows.set(table, (done.rows.get(table) ?? 0) + rows.length)
}

async function sweep(context: ReachContext, event: OpenedEvent, done: Done): Promise<void> {
  for (const swept of context.projection.reach.sweep(event) ?? []) {
    let page = await pageAfter(context, swept, 0)
    while (page.length > 0) {
      await foldOver(context, [{ table: swept.table, column: 'id', values: page }], [event], done)
      page = page.length < PAGE ? [] : await pageAfter(context, swept, page.at(-1) ?? 0)
    }
  }
}

type Swept = NonNullable<ReturnType<Reach['sweep']>>[number]

async function pageAfter({ connection, physical }: ReachContext, { table, by }: Swept, last: number): Promise<number[]> {
  const rows = await connection.query<{ id: number }[]>(
    `SELECT id FROM ?? WHERE id > ? ${by ? 'AND ?? = ?' : ''} ORDER BY id LIMIT ${PAGE}`,
    [physical(table), last, ...(by ? [by.column, by.value] : [])],
  )
  return rows.map(({ id }) => id)
}
