import { codeOf, histogram, inSpan, isTraced } from '@tributary/runtime'

const durations = histogram({
  name: 'db_client_operation_duration_seconds',
  help: 'How long statements took, by what they do.',
  labels: ['db_system_name', 'db_operation_name', 'error_type'],
})

const SYSTEM = 'mysql'

/** What a statement does and to which table, as far as its text says so. */
type Summary = { operation: string; table: string | undefined }

/** Texts are few, because values are not in them; those beyond are read again each time. */
const MOST_TEXTS = 1_000
const summaries = new Map<string, Summary>()

/**
 * Runs a statement, measures it, and gives it a span if it is part of a trace; those of loops that look for work are not.
 * Names follow OpenTelemetry's conventions for databases. The text stays out of the span, and so do values.
 */
export async function observed<T>(text: string, run: () => Promise<T>): Promise<T> {
  const summary = summaryOf(text)
  const started = performance.now()
  try {
    const result = isTraced() ? await inTrace(summary, run) : await run()
    record(summary, started, '')
    return result
  } catch (error) {
    record(summary, started, codeOf(error) ?? 'UNKNOWN')
    throw error
  }
}

function record({ operation }: Summary, started: number, error: string): void {
  const labels = { db_system_name: SYSTEM, db_operation_name: operation, error_type: error }
  durations.record((performance.now() - started) / 1_000, labels)
}

function inTrace<T>({ operation, table }: Summary, run: () => Promise<T>): Promise<T> {
  const name = table === undefined ? operation : `${operation} ${table}`
  const attributes = {
    'db.system.name': SYSTEM,
    'db.operation.name': operation,
    ...(table === undefined ? {} : { 'db.collection.name': table }),
    'db.query.summary': name,
  }
  return inSpan(name, { kind: 'client', attributes }, run)
}

function summaryOf(text: string): Summary {
  const known = summaries.get(text)
  if (known) return known
  const made = {
    operation: /^[\s(]*(start transaction|[a-z]+)/i.exec(text)?.[1]?.toUpperCase() ?? 'OTHER',
    table: /\b(?:from|into|update|table)\s+`?([a-z_][a-z0-9_]*)`?/i.exec(text)?.[1],
  }
  if (summaries.size < MOST_TEXTS) summaries.set(text, made)
  return made
}
