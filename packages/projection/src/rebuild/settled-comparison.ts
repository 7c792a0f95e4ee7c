import { pause } from '@tributary/runtime'
import { compareTables, type RowDifference, recheck, type TableComparison } from './compare.ts'
import { building } from './names.ts'
import type { RebuildOptions } from './options.ts'
import type { RebuildRecord } from './record.ts'

const MOST_LOOKS = 5
const AGAIN = 200

/**
 * Compares while both go on. Rows may differ only because one table was ahead of the other: those are looked at again, when
 * the builder has come to where the live tables stand, which `catchUp` does. What still differs after some looks differs.
 */
export async function compareSettled(
  { projection, database, signal, pace }: Pick<RebuildOptions, 'projection' | 'database' | 'signal' | 'pace'>,
  { generation }: Pick<RebuildRecord, 'generation'>,
  catchUp: () => Promise<void>,
): Promise<TableComparison[]> {
  let left = await compareTables(database, projection, building(generation), { signal })
  for (let look = 0; look < MOST_LOOKS && left.some(({ differing }) => differing > 0); look += 1) {
    await pause(pace.again ?? AGAIN, signal)
    await catchUp()
    const still = await recheck(database, left, building(generation))
    left = left.map((comparison) => onlyThose(comparison, still))
  }
  return left
}

/** What is left when only `still` differs; a row that one table did not have, and has now, counts in both. */
function onlyThose(comparison: TableComparison, still: readonly RowDifference[]): TableComparison {
  const differences = still.filter(({ table }) => table === comparison.table)
  const left = new Set(differences.map(({ id }) => id))
  const settled = comparison.differences.filter(({ id }) => !left.has(id))
  const countOf = (kind: RowDifference['kind']) => settled.filter((difference) => difference.kind === kind).length
  const { live, rebuilt } = comparison.rows
  const unlisted = comparison.differing - comparison.differences.length
  return {
    ...comparison,
    rows: { live: live + countOf('new'), rebuilt: rebuilt + countOf('missing') },
    differences,
    differing: differences.length + unlisted,
  }
}
