import type { Row } from '@tributary/projection'

/**
 * What the rows of an order do not say themselves: how old the values in them are. Times are source times, milliseconds.
 * What is not listed here is as old as the newest snapshot, so that the facts of an ordinary order are one number.
 */
export type Facts = {
  /** Source time of the newest snapshot; -1 before the first. */
  newest: number
  /**
   * How we know that the person was erased and no personal value may ever come back: because a seal did not open any more,
   * or because an event told us. The two are told apart so that the event leaves its time on the rows in a replay as well,
   * where no seal opens from the first snapshot on.
   */
  erased: 'no' | 'unopened' | 'told'
  /** Source time of the newest snapshot with a street, whose whole address the row shows; -1 when none had one. */
  address: number
  /** By column: source time of a value that the newest snapshot does not know any more. */
  older: Record<string, number>
  /** Source time of the newest snapshot that listed every line. */
  listed: number
  /** By row id: source time of the values of a line, where it is not `listed`. */
  lines: Record<string, number>
  /** Columns whose value was cut to fit; `17.title` is the title in the row 17 of the lines. */
  cut: Set<string>
}

type StoredFacts = {
  newest?: number
  erased?: 'unopened' | 'told'
  address?: number
  older?: Record<string, number>
  listed?: number
  lines?: Record<string, number>
  cut?: string[]
}

/** Reads the facts of a row of `tributary_order_fold`; those of an order never seen when there is none. */
export const readFacts = (row: Row | undefined): Facts => {
  const stored: StoredFacts = row === undefined ? {} : JSON.parse(String(row['facts']))
  return {
    newest: stored.newest ?? -1,
    erased: stored.erased ?? 'no',
    address: stored.address ?? -1,
    older: stored.older ?? {},
    listed: stored.listed ?? stored.newest ?? -1,
    lines: stored.lines ?? {},
    cut: new Set(stored.cut),
  }
}

/** Writes facts as text, the same text for the same facts whatever order they were learnt in. */
export const writeFacts = ({ newest, erased, address, older, listed, lines, cut }: Facts): string =>
  JSON.stringify({
    ...(newest < 0 ? {} : { newest }),
    ...(erased === 'no' ? {} : { erased }),
    ...(address < 0 ? {} : { address }),
    ...sortedUnlessEmpty('older', older),
    ...(listed === newest ? {} : { listed }),
    ...sortedUnlessEmpty('lines', lines),
    ...(cut.size === 0 ? {} : { cut: [...cut].sort() }),
  } satisfies StoredFacts)

const sortedUnlessEmpty = (name: 'older' | 'lines', times: Record<string, number>) => {
  const keys = Object.keys(times)
  return keys.length === 0 ? {} : { [name]: Object.fromEntries(keys.sort().map((key) => [key, times[key]])) }
}
