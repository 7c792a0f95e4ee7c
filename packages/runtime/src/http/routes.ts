import express from 'express'
import { Problem } from '../problem.ts'

/** The body as it came: signatures are checked on these bytes. Empty when the request has none. */
export type RawRequest = express.Request & { body: Buffer }
export type Handler = (request: RawRequest, response: express.Response) => Promise<void> | void

/**
 * One path and the methods it knows. `bodyLimit` is in bytes; a longer body is refused with 413 before it is read. HEAD is answered as GET
 * is, unless `isOnce` says that a GET uses something up: whoever only looks whether an address is there must not.
 */
export type Route = {
  path: string
  get?: Handler
  isOnce?: true
  post?: { bodyLimit: number; handle: Handler }
}

/** A router that knows these paths and methods and refuses every other method on them with 405. */
export function createRouter(routes: readonly Route[]): express.Router {
  const router = express.Router({ caseSensitive: true, strict: true })
  for (const { path, get, isOnce, post } of routes) {
    const route = router.route(path)
    const allowed = [...(get ? (isOnce ? ['GET'] : ['GET', 'HEAD']) : []), ...(post ? ['POST'] : [])].join(', ')
    const refuse: express.RequestHandler = (request) => {
      throw new Problem(405, 'METHOD_NOT_ALLOWED', `This address does not know ${request.method}. It knows: ${allowed}.`, {
        headers: { Allow: allowed },
      })
    }
    if (isOnce) route.head(refuse)
    if (get) route.get((request, response) => get(request, response))
    if (post) route.post(rawBody(post.bodyLimit), (request, response) => post.handle(request, response))
    route.all(refuse)
  }
  return router
}

function rawBody(limit: number): express.RequestHandler {
  // Any content type: the signature decides, not the label. No inflating: a small body must not become a large one.
  const read = express.raw({ type: () => true, limit, inflate: false })
  return (request, response, next) =>
    read(request, response, (error: unknown) => {
      if (error) return next(bodyProblem(error, limit))
      if (!Buffer.isBuffer(request.body)) request.body = Buffer.alloc(0)
      next()
    })
}

function bodyProblem(error: unknown, limit: number): unknown {
  const { type } = error as { type?: unknown }
  if (type === 'entity.too.large') {
    return new Problem(413, 'BODY_TOO_LARGE', `The body is larger than ${limit} bytes.`, { cause: error })
  }
  if (type === 'encoding.unsupported') {
    const detail = 'Send the body as it is, without a Content-Encoding.'
    return new Problem(415, 'CONTENT_ENCODING_UNSUPPORTED', detail, { cause: error })
  }
  if (type === 'request.aborted' || type === 'request.size.invalid') {
    const detail = 'The body ended before its announced length.'
    return new Problem(400, 'BODY_INCOMPLETE', detail, { cause: error })
  }
  return error
}
