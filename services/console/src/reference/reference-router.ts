import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { createRouter } from '@tributary/runtime/http'
import express, { type Router } from 'express'
import type { Operation } from '../operation.ts'
import { openApiDocument } from './openapi.ts'

const DOCUMENT = '/v3/api-docs'
const PAGE = `${DOCUMENT}/page`
/** The page runs scripts of ours only; Swagger UI sets styles in its elements and holds its pictures as data. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "frame-ancestors 'none'",
].join('; ')
/** Found, not imported: importing the package would run the whole page in every process that starts. */
const FOLDER = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))
const SHOWN = ['swagger-ui.css', 'swagger-ui-bundle.js']

const HTML = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Tributary API</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="page/swagger-ui.css">
  </head>
  <body>
    <div id="reference"></div>
    <script src="page/swagger-ui-bundle.js"></script>
    <script src="page/start.js"></script>
  </body>
</html>
`

const START = `window.ui = SwaggerUIBundle({ url: '${DOCUMENT}', dom_id: '#reference', deepLinking: true, validatorUrl: null })
`

/** The description of the API, for machines at `/v3/api-docs` and for people at `/v3/api-docs/page`. */
export function referenceRouter(operations: readonly Operation[]): Router {
  const document = openApiDocument(operations)
  const router = express.Router({ caseSensitive: true, strict: true })
  router.use(
    createRouter([
      { path: DOCUMENT, get: (_request, response) => void response.json(document) },
      {
        path: PAGE,
        get: (_request, response) => void response.set('Content-Security-Policy', PAGE_POLICY).type('html').send(HTML),
      },
      { path: `${PAGE}/start.js`, get: (_request, response) => void response.type('js').send(START) },
      ...SHOWN.map((file) => ({
        path: `${PAGE}/${file}`,
        get: (_request: express.Request, response: express.Response) => response.sendFile(file, { root: FOLDER }),
      })),
    ]),
  )
  return router
}
