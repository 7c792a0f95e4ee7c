import { DatabaseError } from '../errors.ts'

/** The DatabaseError that a promise was rejected with; throws when it was not. */
export async function rejection(promise: Promise<unknown>): Promise<DatabaseError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof DatabaseError) return error
  throw new Error(`expected a DatabaseError and got: ${String(error)}`)
}
