import type { TSchema } from 'typebox'
import { SCOPES } from '../access/api-keys.ts'
import type { Operation } from '../operation.ts'
import { ProblemDetails } from '../schemas.ts'

type ObjectSchema = { properties?: Record<string, { description?: string }>; required?: readonly string[] }
type Place = 'path' | 'query' | 'header'

/** The OpenAPI 3.1 document of the operations, made of the very schemas that check them. */
export function openApiDocument(operations: readonly Operation[]): Record<string, unknown> {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tributary',
      version: '1',
      description: `Scopes: ${SCOPES.join(', ')}. Problems are RFC 9457 with a stable \`code\`.`,
    },
    security: [{ bearer: [] }],
    components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } }, schemas: { Problem: ProblemDetails } },
    paths: Object.fromEntries(
      [...Map.groupBy(operations, ({ path }) => path)].map(([path, ofPath]) => [
        path,
        Object.fromEntries(ofPath.map((operation) => [operation.method, describe(operation)])),
      ]),
    ),
  }
}

function describe({ path, summary, description = '', scope, parameters, query, headers, body, answers }: Operation) {
  return {
    summary,
    // `/v1/orders/…` is about orders.
    tags: [path.split('/')[2]],
    description: `${description}${description === '' ? '' : '\n\n'}Needs the scope \`${scope}\`.`,
    parameters: [...parametersOf(parameters, 'path'), ...parametersOf(query, 'query'), ...parametersOf(headers, 'header')],
    ...(body ? { requestBody: { required: true, content: { 'application/json': { schema: body } } } } : {}),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, answer]) => [
          status,
          { description: answer.description, content: { 'application/json': { schema: answer.schema } } },
        ]),
      ),
      default: {
        description: 'A problem.',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  }
}

function parametersOf(schema: TSchema | undefined, place: Place): Record<string, unknown>[] {
  const { properties = {}, required = [] } = (schema ?? {}) as ObjectSchema
  return Object.entries(properties).map(([name, part]) => ({
    ...{ name, in: place, required: required.includes(name), schema: part },
    ...(part.description === undefined ? {} : { description: part.description }),
  }))
}
