import { pause } from '@tributary/runtime'
import { compareAgain, type TableComparison } from './compare.ts'
import { building } from './names.ts'
import type { RebuildOptions } from './options.ts'
import type { RebuildRecord } from './record.ts'

const MOST_LOOKS = 5
const AGAIN = 200

/**
 * Settles a comparison that was made while both went on. Rows may differ only because one table was ahead of the other: those are
 * looked at again, when the builder has come to where the live tables stand, which `catchUp` does. What still differs after some
 * looks differs.
 */
export async function settleComparison(
  { database, signal, pace }: Pick<RebuildOptions, 'database' | 'signal' | 'pace'>,
  { generation }: Pick<RebuildRecord, 'generation'>,
  found: TableComparison[],
  catchUp: () => Promise<void>,
): Promise<TableComparison[]> {
  let left = found
  for (let look = 1; look <= MOST_LOOKS && left.some(({ differing }) => differing > 0); look += 1) {
    await pause(pace.again ?? AGAIN, signal)
    await catchUp()
    left = await compareAgain(database, left, building(generation), { all: look === MOST_LOOKS, signal })
  }
  return left
}
