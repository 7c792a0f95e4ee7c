export type { IngestContext } from './context.ts'
export { createIngest } from './ingest.ts'
