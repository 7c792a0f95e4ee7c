import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import type { TSchema } from 'typebox'

/** Stops at the first error: one is enough to refuse an event, and a hostile one must not cost more than an honest one. */
const ajv = new Ajv({ strict: true, allErrors: false })

/** Compiles a schema once; the function it answers checks one value and leaves its errors on itself. */
export const compileSchema = <T>(schema: TSchema): ValidateFunction<T> => ajv.compile<T>(schema)

const LONGEST_PATH = 200

/** Says where a value broke its schema and what was expected there, never what stood there. */
export const explainErrors = (errors: readonly ErrorObject[] | null | undefined): string => {
  // The last error is the outermost: for a union, what was expected as a whole.
  const error = errors?.at(-1)
  if (!error) return 'it does not match its schema'
  const path = error.instancePath.slice(1).replaceAll('/', '.').slice(0, LONGEST_PATH)
  return `${path === '' ? 'data' : `data.${path}`} ${expectation(error)}`
}

const expectation = ({ keyword, params, message }: ErrorObject): string => {
  if (keyword === 'enum') return `must be one of ${(params['allowedValues'] as unknown[]).join(', ')}`
  if (keyword === 'additionalProperties') return 'must have no other properties than its schema lists'
  return message ?? 'must match its schema'
}
