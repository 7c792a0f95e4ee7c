/** Prints rows as a table whose columns fit the widest value, or as JSON lines. */
export function printRows(rows: readonly Record<string, unknown>[], options: { json?: boolean | undefined }): void {
  if (options.json) {
    for (const row of rows) printLine(JSON.stringify(row))
    return
  }
  const [first] = rows
  if (!first) {
    printLine('(none)')
    return
  }
  const names = Object.keys(first)
  const texts = rows.map((row) => names.map((name) => cellText(row[name])))
  const widths = names.map((name, column) =>
    texts.reduce((widest, cells) => Math.max(widest, cells[column]?.length ?? 0), name.length),
  )
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  printLine(line(names))
  for (const cells of texts) printLine(line(cells))
}

/** One line on stdout. */
export function printLine(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** Tells on stderr, below a list for people that came out full, how to see what follows; `cursors` are those of its rows. */
export function noteMore(cursors: readonly string[], { limit, json }: { limit: number; json?: boolean | undefined }): void {
  const last = cursors.at(-1)
  if (last !== undefined && cursors.length === limit && !json) process.stderr.write(`There may be more: --cursor '${last}'\n`)
}

function cellText(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (Array.isArray(value)) return value.join(',')
  return String(value)
}

/** `1 event`, `2,000 events`. */
export const counted = (count: number, word: string): string => `${count.toLocaleString('en')} ${word}${count === 1 ? '' : 's'}`

/** Somebody else's text in one line, with nothing that a terminal would obey. */
export const printable = (text: string): string => text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ')
