import { literal } from './row-texts.ts'

/**
 * How many rows a prepared statement writes: few numbers, because each is a statement of its own at the server. A server
 * reads values faster than text: an order with its lines and 3 KB of JSON cost it 60 microseconds in statements of 250
 * rows, 80 in statements of 50, and 100 as text (MariaDB 10.11), and us no more than to write the text; an event of 2 KB
 * cost it 40 in statements of 50 rows and 64 as text. Rejected, on the same rows: LOAD DATA LOCAL and plain INSERT cost it
 * what an upsert does, 95 to 115, and so did statements of 1,000 and 2,000 rows of text; tables without their secondary
 * indexes saved nothing that building them afterwards did not take.
 */
const PREPARED_ROWS = [250, 50]

/** The largest of these numbers that is no more than `rows`. */
export const preparedRows = (rows: number): number | undefined => PREPARED_ROWS.find((count) => count <= rows)

/** What stands for one row in a statement, behind VALUES: a placeholder for each column, or the literal of its usual value. */
export function preparedRow(columns: readonly string[], usual: UsualValues): string {
  return `(${columns.map((column) => (Object.hasOwn(usual, column) ? literal(usual[column]) : '?')).join(', ')})`
}

/**
 * Values that nearly every row has in a column. Where all rows of a statement have all of them, they stand in its text, and
 * are neither sent row by row nor read: of an order with two lines they are 16 of 75 values.
 */
export type UsualValues = Readonly<Record<string, string | number>>

/** Whether each row has all of them; rows have their values in the order of `columns`. */
export function areUsual(rows: readonly (readonly unknown[])[], columns: readonly string[], usual: UsualValues): boolean {
  for (const [index, column] of columns.entries())
    if (Object.hasOwn(usual, column) && rows.some((row) => row[index] !== usual[column])) return false
  return true
}

/**
 * The values of rows one behind another, or undefined when they may take more than so many bytes, or when there is one that
 * is neither text nor bytes nor a whole number nor NULL. Of a row those are left out whose column is in `usual`. Numbers become text: the
 * driver sends them as floating point, and a column of text would keep some of them with an exponent.
 */
export function preparedValues(
  rows: readonly (readonly unknown[])[],
  columns: readonly string[],
  usual: UsualValues,
  mostBytes: number,
): (string | Buffer | null)[] | undefined {
  const sent = columns.flatMap((column, index) => (Object.hasOwn(usual, column) ? [] : [index]))
  const values: (string | Buffer | null)[] = []
  let bytes = 0
  for (const row of rows)
    for (const index of sent) {
      const value = preparedValue(row[index])
      if (value === undefined) return undefined
      bytes += typeof value === 'string' ? value.length * 3 : (value?.length ?? 0)
      values.push(value)
    }
  return bytes <= mostBytes ? values : undefined
}

function preparedValue(value: unknown): string | Buffer | null | undefined {
  if (typeof value === 'string' || Buffer.isBuffer(value)) return value
  if (Number.isSafeInteger(value)) return String(value)
  return value === null || value === undefined ? null : undefined
}
