import { counter } from '@tributary/runtime'
import type { Remark } from './definition.ts'

const rows = counter({
  name: 'tributary_projection_rows_total',
  help: 'Rows that projections wrote, new and changed.',
  labels: ['projection', 'table'],
})
const place = ['projection', 'table', 'column'] as const
const remarks = {
  truncated: counter({
    name: 'tributary_truncations_total',
    help: 'Values that were cut because they are longer than their column; the event holds them whole.',
    labels: place,
  }),
  'unknown-value': counter({
    name: 'tributary_unknown_values_total',
    help: 'Values of marketplaces that this version does not know; they are kept as they came.',
    labels: place,
  }),
  stale: counter({
    name: 'tributary_stale_snapshots_total',
    help: 'Snapshots that came after a newer one and changed nothing.',
    labels: place,
  }),
} as const

/** Rows that are durable, by table. */
export function countRows(projection: string, byTable: ReadonlyMap<string, number>): void {
  for (const [table, count] of byTable) rows.add(count, { projection, table })
}

export const countRemark = (projection: string, { kind, table, column }: Remark): void =>
  remarks[kind].add(1, { projection, table, column })
