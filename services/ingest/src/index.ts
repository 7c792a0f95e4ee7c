export type { IngestContext } from './context.ts'
export { createIngest } from './ingest.ts'
export {
  confirmParkedConsent,
  discardParkedConsent,
  listParkedConsents,
  type ParkedConsent,
} from './oauth/parked-consents.ts'
export { lookAtSpool, retrySpool, type SpoolLook } from './spool/operations.ts'
