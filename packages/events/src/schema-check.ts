import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import type { TSchema } from 'typebox'

/**
 * Stops at the first error: one is enough to refuse an event, and a hostile one must not cost more than an honest one. That the
 * schemas of the catalogue are schemas is a matter of a test: to ask at every start took longer than to compile one.
 */
const ajv = new Ajv({ strict: true, allErrors: false, validateSchema: false })

/** Checks one value; its errors stand on the function afterwards. */
export type Check<T = Record<string, unknown>> = ValidateFunction<T>

/**
 * The check of a schema, compiled the first time that it is asked for: most processes and threads meet few types of events, and
 * compiling all of them takes a tenth of a second.
 */
export const checkOf = <T = Record<string, unknown>>(schema: TSchema): (() => Check<T>) => {
  let compiled: Check<T> | undefined
  return () => {
    compiled ??= ajv.compile<T>(schema)
    return compiled
  }
}

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
