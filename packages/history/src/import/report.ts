/** A row of the existing system that cannot be carried over, or not whole. Never holds a value of the row. */
export type Misfit = { table: string; id: RowId; reason: string }

/** The id of a row of the existing system; a text when it is beyond 2^53. */
export type RowId = number | string

export type ImportReport = {
  /** Rows of the existing system that became events, by table. */
  rows: Record<string, number>
  /** Events appended now; a row that was in the log already adds none. */
  appended: number
  /** How many rows did not fit, by reason, and the first thousand of them. */
  misfits: Record<string, number>
  examples: Misfit[]
}

const MOST_EXAMPLES = 1_000

export type ReportBook = {
  row(table: string, count?: number): void
  appended(count: number): void
  misfit(table: string, id: RowId, reason: string): void
  report(): ImportReport
}

export function createReportBook(): ReportBook {
  const report: ImportReport = { rows: {}, appended: 0, misfits: {}, examples: [] }
  return {
    row: (table, count = 1) => {
      report.rows[table] = (report.rows[table] ?? 0) + count
    },
    appended: (count) => {
      report.appended += count
    },
    misfit: (table, id, reason) => {
      const name = `${table}: ${reason}`
      report.misfits[name] = (report.misfits[name] ?? 0) + 1
      if (report.examples.length < MOST_EXAMPLES) report.examples.push({ table, id, reason })
    },
    report: () => report,
  }
}
