import { escape as escapeValue } from 'mysql2'

/** Rows as the text that a statement has behind VALUES; its placeholder takes this as a value. `bytes` is its size there. */
export type RowsText = { readonly rows: number; readonly bytes: number; toSqlString(): string }

/** One row as text, `(…)`, and its size. */
export type RowText = { text: string; bytes: number }

/**
 * The text of one row. Strings, which are nearly all there is, are written here: the driver escapes seven characters more
 * than a server asks for, double quotes among them, each by an addition to a string, which for the JSON of an order takes
 * as long as the server takes to write it (measured: 31 against 6 microseconds for a row with 3 KB of JSON).
 */
export function rowText(row: readonly unknown[]): RowText {
  let text = ''
  for (const value of row) text += text === '' ? literal(value) : `, ${literal(value)}`
  text = `(${text})`
  return { text, bytes: Buffer.byteLength(text) }
}

/** Several rows as one text, made when the statement is. */
export function joinRows(rows: readonly RowText[]): RowsText {
  let bytes = 0
  for (const row of rows) bytes += row.bytes + 2
  return { rows: rows.length, bytes, toSqlString: () => rows.map(({ text }) => text).join(', ') }
}

/** The text of rows that go into one statement. */
export const rowsText = (rows: readonly (readonly unknown[])[]): RowsText => joinRows(rows.map(rowText))

/**
 * A value as a statement has it. In a text between quotes a server reads two characters otherwise than they stand: the quote and the backslash, the latter
 * because every session of ours is without NO_BACKSLASH_ESCAPES (session.ts). In UTF-8 neither is ever a part of another.
 */
export function literal(value: unknown): string {
  if (typeof value === 'string') {
    if (!value.includes("'") && !value.includes('\\')) return `'${value}'`
    return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
  }
  return typeof value === 'number' ? String(value) : escapeValue(value as never, true, 'Z')
}

export const isRowsText = (value: unknown): value is RowsText =>
  typeof value === 'object' && value !== null && 'toSqlString' in value && 'bytes' in value
