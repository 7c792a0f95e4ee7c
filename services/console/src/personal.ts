import type { Connection } from '@tributary/database'
import { MASK, recordAccess } from '@tributary/history'
import type { Caller } from './access/guard.ts'

/**
 * Values about people as this caller may see them: as they are, which is written down first, or masked, so that it shows
 * which are there. Throws DatabaseError; then nothing may be shown.
 */
export async function maskedUnlessOpen<Part extends string>(
  connection: Connection,
  { id: actor, scopes }: Caller,
  { action, target, parts }: { action: string; target: string; parts: Record<Part, Record<string, string>> },
): Promise<Record<Part, Record<string, string>>> {
  if (scopes.has('read-personal')) {
    await recordAccess(connection, { actor, action, target })
    return parts
  }
  const entries = Object.entries<Record<string, string>>(parts).map(([name, part]) => [
    name,
    Object.fromEntries(Object.entries(part).map(([field, value]) => [field, value === '' ? '' : MASK])),
  ])
  return Object.fromEntries(entries) as Record<Part, Record<string, string>>
}
