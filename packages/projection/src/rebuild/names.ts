import { hash } from 'node:crypto'
import type { Projection } from '../definition.ts'
import type { PhysicalName } from '../load-states.ts'

/** A table's name has 64 characters at most, and `__rebuild_N` comes behind that of a marker. */
const LONGEST_MARKED = 29

/** An empty table of ours that is renamed together with a projection's tables: its comment says their generation. */
export function markerOf({ name }: Pick<Projection, 'name'>): string {
  // The directory of a corp is named after its database, which may itself have 64.
  const marked = name.length <= LONGEST_MARKED ? name : `${name.slice(0, 16)}_${hash('md5', name, 'hex').slice(0, 12)}`
  return `tributary_generation_${marked}`
}

/** Every table that changes its name when a projection is swapped. */
export const swappedTables = (projection: Projection): string[] => [
  ...projection.tables.map(({ name }) => name),
  markerOf(projection),
]

/** Where the tables of a generation are built. */
export const building =
  (generation: number): PhysicalName =>
  (table) =>
    `${table}__rebuild_${generation}`

/** Where the tables of a generation stay after another took their place. */
export const retired =
  (generation: number): PhysicalName =>
  (table) =>
    `${table}__old_${generation}`

/** The consumer that builds a generation. */
export const builderOf = ({ name }: Pick<Projection, 'name'>, generation: number): string => `${name}__rebuild_${generation}`

/** Under this name the parked keys of a generation wait for a rollback. */
export const retiredConsumer = ({ name }: Pick<Projection, 'name'>, generation: number): string => `${name}__old_${generation}`

/** The named lock that whoever rebuilds, swaps or rolls back a projection holds. */
export const lockOf = ({ name }: Pick<Projection, 'name'>): string => `rebuild ${name}`
