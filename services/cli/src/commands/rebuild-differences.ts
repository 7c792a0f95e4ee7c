import { MASK, personalColumnsOf } from '@tributary/history'
import type { Cell, Projection, TableComparison } from '@tributary/projection'
import { printLine } from '../output.ts'

const MOST_ROWS = 100
/** Prints the rows that differ, with the columns and both values; those about people are hidden. */
export function printDifferences(
  { projections }: { projections: readonly Projection[] },
  comparisons: readonly TableComparison[],
): void {
  for (const { table, differing, differences } of comparisons) {
    const personal = personalColumnsOf(projections, table)
    const shown = (column: string, value: Cell) => (personal.has(column) && value ? MASK : JSON.stringify(value))
    for (const { id, kind, changes } of differences.slice(0, MOST_ROWS)) {
      const columns = changes.map(
        ({ column, live, rebuilt }) => `${column}: ${shown(column, live)} → ${shown(column, rebuilt)}`,
      )
      printLine(`  ${table} ${id} ${KINDS[kind]}${columns.join(', ')}`)
    }
    if (differing > MOST_ROWS) printLine(`  … and ${differing - MOST_ROWS} more rows of ${table}`)
  }
}

const KINDS = { missing: 'would be gone: no event makes it', new: 'would come', different: '' } as const
