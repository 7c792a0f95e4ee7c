import type { NormalOrder, OrderLine } from '@tributary/events'
import type { Field, FieldReader } from './fields.ts'

/**
 * Lines are told apart by their id: one without an id, or with an id that came before, is reported and left out. Without
 * an id we cannot know which line that was, so nobody may conclude that a missing line has gone. `areAll` says whether the
 * source lists every line.
 */
export function readLines(
  read: FieldReader,
  items: readonly Field[],
  options: {
    idKey: string
    idOf: (id: Field) => string | undefined
    lineOf: (item: Field) => Omit<OrderLine, 'lineItemId'>
    areAll: boolean
  },
): Pick<NormalOrder, 'lines' | 'linesComplete'> {
  const lines = new Map<string, OrderLine>()
  let linesComplete = options.areAll
  for (const item of items) {
    const id = read.member(item, options.idKey)
    const lineItemId = options.idOf(id)
    if (lineItemId === undefined) linesComplete = false
    if (lineItemId === undefined || lines.has(lineItemId))
      read.report(id.path, `${lineItemId === undefined ? 'missing' : 'repeated'}; the line was left out`)
    else lines.set(lineItemId, { lineItemId, ...options.lineOf(item) })
  }
  return { lines: [...lines.values()], linesComplete }
}
