import { Problem } from '@tributary/runtime'
import type { RawRequest, Route } from '@tributary/runtime/http'
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import type { Response } from 'express'
import { callerOf } from './access/guard.ts'
import type { ConsoleContext, Operation } from './operation.ts'

/** A request describes a package or nothing at all. */
const BODY_LIMIT = 64 * 1024

/** The routes of the operations, one for each path. */
export function routesOf(context: ConsoleContext, operations: readonly Operation[]): Route[] {
  return [...Map.groupBy(operations, ({ path }) => path)].map(([path, ofPath]) => {
    const get = ofPath.find(({ method }) => method === 'get')
    const post = ofPath.find(({ method }) => method === 'post')
    return {
      path: path.replaceAll(/\{(\w+)\}/g, ':$1'),
      ...(get ? { get: handlerOf(context, get) } : {}),
      ...(post ? { post: { bodyLimit: BODY_LIMIT, handle: handlerOf(context, post) } } : {}),
    }
  })
}

function handlerOf(context: ConsoleContext, operation: Operation): (request: RawRequest, response: Response) => Promise<void> {
  const ajv = new Ajv({ strict: true, verbose: true })
  const checks = {
    path: ajv.compile(operation.parameters),
    query: ajv.compile(operation.query),
    headers: operation.headers && ajv.compile(operation.headers),
    body: operation.body && ajv.compile(operation.body),
  }
  const answers = new Map(
    Object.entries(operation.answers).map(([status, { schema }]) => [Number(status), ajv.compile(schema)]),
  )

  return async (request, response) => {
    const caller = callerOf(response)
    if (!caller.scopes.has(operation.scope))
      throw new Problem(403, 'SCOPE_MISSING', `This caller has not the scope ${operation.scope}.`)
    const [path, query] = [{ ...request.params }, { ...request.query }]
    check(checks.path, path, 'path')
    check(checks.query, query, 'query')
    check(checks.headers, request.headers, 'headers')
    const body = checks.body ? parseJson(request) : undefined
    check(checks.body, body, 'body')
    const answer = await operation.run(context, { path, query, headers: request.headers, body, caller })
    const isDescribed = answers.get(answer.status)
    if (!isDescribed?.(answer.body))
      throw new Error(
        `An answer ${answer.status} of ${operation.path} is not as described: ${ajv.errorsText(isDescribed?.errors ?? null)}`,
      )
    response
      .status(answer.status)
      .set(answer.headers ?? {})
      .json(answer.body)
  }
}

function check(validate: ValidateFunction | undefined, value: unknown, place: string): void {
  if (!validate || validate(value)) return
  const [error] = validate.errors ?? []
  throw new Problem(400, 'PARAMETER_INVALID', `In the ${place}, ${error ? complaint(error) : 'something is wrong'}.`)
}

/** What is wrong and what would be right; in the words of the schema's description where the rule alone is a riddle. */
function complaint({ keyword, params, instancePath, message, parentSchema }: ErrorObject): string {
  const description = String(parentSchema?.['description'] ?? '').replace(/\.$/, '')
  const what = instancePath === '' ? 'it' : `'${instancePath.slice(1)}'`
  if (keyword === 'additionalProperties') {
    const known = Object.keys(parentSchema?.['properties'] ?? {}).join(', ')
    return `'${params['additionalProperty']}' is not known; known: ${known || 'none'}`
  }
  if (keyword === 'required') return `'${params['missingProperty']}' is missing`
  if (keyword === 'enum') return `${what} must be one of ${params['allowedValues'].join(', ')}`
  if (keyword === 'pattern' && description !== '') return `${what} must be as described: ${description}`
  return `${what} ${message ?? 'is not as described'}`
}

function parseJson(request: RawRequest): unknown {
  if (!request.is('application/json'))
    throw new Problem(415, 'CONTENT_TYPE_UNSUPPORTED', 'Send the body as JSON, with Content-Type: application/json.')
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(request.body))
  } catch (error) {
    throw new Problem(400, 'BODY_NOT_JSON', 'The body is not JSON in UTF-8.', { cause: error })
  }
}
