import type { Operation } from './operations.ts'
import { ProblemDetails } from './schemas.ts'

type ObjectSchema = { properties?: Record<string, unknown>; required?: readonly string[] }

/** The OpenAPI 3.1 document of the operations, made of the very schemas that check them. */
export function openApiDocument(operations: readonly Operation[]): Record<string, unknown> {
  return {
    openapi: '3.1.0',
    info: { title: 'Tributary', version: '1' },
    security: [{ bearer: [] }],
    components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    paths: Object.fromEntries(operations.map((operation) => [operation.path, { get: describe(operation) }])),
  }
}

function describe({ summary, query, parameters, answer }: Operation): Record<string, unknown> {
  return {
    summary,
    parameters: [...parametersOf(parameters, 'path'), ...parametersOf(query, 'query')],
    responses: {
      200: { description: 'As asked.', content: { 'application/json': { schema: answer } } },
      default: { description: 'A problem (RFC 9457).', content: { 'application/problem+json': { schema: ProblemDetails } } },
    },
  }
}

function parametersOf(schema: ObjectSchema, place: 'path' | 'query'): Record<string, unknown>[] {
  return Object.entries(schema.properties ?? {}).map(([name, part]) => ({
    name,
    in: place,
    required: schema.required?.includes(name) ?? false,
    schema: part,
  }))
}
