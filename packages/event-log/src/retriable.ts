import { DatabaseError } from '@tributary/database'
import { EventLogError } from './port.ts'

/** Whether waiting may help. */
export function isRetriable(thrown: unknown): boolean {
  return (thrown instanceof DatabaseError || thrown instanceof EventLogError) && thrown.retriable
}
