export { createContactSync } from './contact-sync.ts'
export type { ContactSyncContext } from './context.ts'
export type { Reading, ReadingProgress } from './reading.ts'
export { reconcile } from './reconcile.ts'
