export type { IngestContext } from './context.ts'
export { createIngest } from './ingest.ts'
export { lookAtSpool, retrySpool, type SpoolLook } from './spool/operations.ts'
