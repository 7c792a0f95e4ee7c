import type { Response } from 'express'
import { isRetriable } from '../coded.ts'
import { Problem } from '../problem.ts'

/** Writes RFC 9457 problem details. The type is `about:blank`: the stable `code` tells problems apart. */
export function answerProblem(response: Response, problem: Problem, requestId: string): void {
  if (response.headersSent) {
    // Half an answer is out: only a broken connection tells the reader that the rest is missing.
    response.destroy()
    return
  }
  const body = {
    type: 'about:blank',
    title: titles[problem.status] ?? 'Error',
    status: problem.status,
    code: problem.code,
    detail: problem.message,
    instance: `urn:uuid:${requestId}`,
  }
  response.status(problem.status).set(problem.headers).type('application/problem+json').send(JSON.stringify(body))
}

/** Seconds after which what was away may be back. */
const RETRY_AFTER = '5'

/** The problem that a thrown thing stands for; what is no problem of the sender's stays inside. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error
  if (isRetriable(error)) {
    const detail = 'What this needs is away just now. Try again soon.'
    return new Problem(503, 'UNAVAILABLE', detail, { headers: { 'Retry-After': RETRY_AFTER }, cause: error })
  }
  const { status, expose } = error as { status?: unknown; expose?: unknown }
  // Express and its parsers mark what a sender got wrong, for example a path that cannot be decoded.
  if (expose !== false && typeof status === 'number' && status >= 400 && status < 500) {
    return new Problem(status, 'REQUEST_INVALID', 'The request could not be read.', { cause: error })
  }
  const detail = 'Something went wrong here. Try again later; if it stays, tell us the instance of this answer.'
  return new Problem(500, 'INTERNAL', detail, { cause: error })
}

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
}
