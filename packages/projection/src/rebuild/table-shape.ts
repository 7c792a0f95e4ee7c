import type { Connection } from '@tributary/database'
import type { Projection } from '../definition.ts'
import type { PhysicalName } from '../load-states.ts'
import { refused } from './runner.ts'

/** The columns and indexes of a table by name, each as the server writes it in CREATE TABLE. */
type Shape = { columns: Map<string, string>; indexes: Map<string, string> }

/**
 * What hangs on the live tables of a projection and would not be on those that take their names, in words; empty when nothing does. A
 * trigger goes away with the table that it was made for, and a foreign key with the table that it names. Those that this user may
 * not see are not told. Throws DatabaseError.
 */
export async function hangingOn(connection: Connection, projection: Projection): Promise<string[]> {
  const hanging: string[] = []
  for (const { name } of projection.tables) {
    const place = name.includes('.') ? name.split('.') : [null, name]
    const triggers = await connection.query<{ name: string }[]>(
      `SELECT trigger_name AS name FROM information_schema.triggers
       WHERE event_object_schema = COALESCE(?, DATABASE()) AND event_object_table = ? ORDER BY trigger_name`,
      place,
    )
    const keys = await connection.query<{ name: string; place: string }[]>(
      `SELECT constraint_name AS name, CONCAT(table_schema, '.', table_name) AS place
       FROM information_schema.key_column_usage WHERE referenced_table_name IS NOT NULL
         AND ((table_schema = COALESCE(?, DATABASE()) AND table_name = ?)
           OR (referenced_table_schema = COALESCE(?, DATABASE()) AND referenced_table_name = ?))
       GROUP BY constraint_name, table_schema, table_name ORDER BY constraint_name`,
      [...place, ...place],
    )
    for (const trigger of triggers) hanging.push(`the trigger ${trigger.name} of ${name}`)
    for (const key of keys) hanging.push(`the foreign key ${key.name} of ${key.place}, about ${name}`)
  }
  return hanging
}

/** Throws ProjectionError PROJECTION_REBUILD_REFUSED when something hangs on the live tables that a swap would take from them. */
export async function refuseHanging(connection: Connection, projection: Projection): Promise<void> {
  const hanging = await hangingOn(connection, projection)
  if (hanging.length === 0) return
  throw refused(
    `Tables cannot be put in the place of those of ${projection.name} as long as there is ${hanging.join(', and ')}: it would stay with the old table. Drop it, and make it anew afterwards.`,
  )
}

/**
 * Gives the built tables the indexes that the live ones have by now: what was put on them, or taken from them, while the rebuild went
 * on. Throws ProjectionError PROJECTION_REBUILD_REFUSED when a column was changed meanwhile, and DatabaseError.
 */
export async function takeOverIndexes(connection: Connection, projection: Projection, built: PhysicalName): Promise<void> {
  for (const { name } of projection.tables) {
    const [live, shadow] = [await shapeOf(connection, name), await shapeOf(connection, built(name))]
    const changed = [...live.columns].filter(([column, text]) => shadow.columns.get(column) !== text)
    if (changed.length > 0)
      throw refused(
        `${name} was changed since the rebuild began (${changed.map(([column]) => column).join(', ')}), and the table that would take its place was not. Give it up with --abort, and begin anew.`,
      )
    const changes = [
      ...[...shadow.indexes].filter(([index, text]) => live.indexes.get(index) !== text).map(([index]) => `DROP KEY ${index}`),
      ...[...live.indexes].filter(([index, text]) => shadow.indexes.get(index) !== text).map(([, text]) => `ADD ${text}`),
    ]
    if (changes.length > 0) await connection.query(`ALTER TABLE ?? ${changes.join(', ')}`, [built(name)])
  }
}

/** The line of an index, or of a column, with its name. */
const LINE = /^\s*(?:(?:UNIQUE |FULLTEXT |SPATIAL )?KEY (`(?:[^`]|``)+`)|(`(?:[^`]|``)+`)) .*?,?$/

async function shapeOf(connection: Connection, table: string): Promise<Shape> {
  const [row] = await connection.query<{ 'Create Table': string }[]>('SHOW CREATE TABLE ??', [table])
  const shape: Shape = { columns: new Map(), indexes: new Map() }
  for (const line of row?.['Create Table'].split('\n') ?? []) {
    const [, index, column] = LINE.exec(line) ?? []
    const text = line.trim().replace(/,$/, '')
    if (index) shape.indexes.set(index, text)
    else if (column) shape.columns.set(column, text)
  }
  return shape
}
