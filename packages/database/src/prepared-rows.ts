/**
 * Rows for a prepared statement. A server reads values three times as fast as text: 250 orders with their lines and their
 * 3 KB of JSON cost it 60 microseconds each instead of 100 (MariaDB 10.11), and us no more than to write the text.
 */
export const PREPARED_ROWS = 250

/** The placeholders of so many rows, behind VALUES. */
export function rowPlaceholders(columns: number): string {
  const row = `(${Array.from({ length: columns }, () => '?').join(', ')})`
  return Array.from({ length: PREPARED_ROWS }, () => row).join(', ')
}

/**
 * The values of rows one behind another, or undefined when they may take more than so many bytes, or when there is one that
 * is neither text nor a whole number nor NULL. Numbers become text: the driver sends them as floating point, and a column of
 * text would keep some of them with an exponent.
 */
export function preparedValues(rows: readonly (readonly unknown[])[], mostBytes: number): (string | null)[] | undefined {
  const values: (string | null)[] = []
  let bytes = 0
  for (const row of rows)
    for (const value of row) {
      if (typeof value === 'string') {
        bytes += value.length * 3
        values.push(value)
      } else if (Number.isSafeInteger(value)) values.push(String(value))
      else if (value === null || value === undefined) values.push(null)
      else return undefined
    }
  return bytes <= mostBytes ? values : undefined
}
