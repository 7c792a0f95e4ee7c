import type { Logger } from '@tributary/runtime'
import { Problem } from '@tributary/runtime'
import type { RawRequest } from '@tributary/runtime/http'
import type { Response } from 'express'
import { type Page, sendPage } from './page.ts'

/** A handler for a browser: it answers a page, or has answered already. */
type PageHandler = (request: RawRequest, response: Response) => Promise<Page | undefined>

/** Sends what the handler answers; when it fails, a page that says so without insides. */
export function forPeople(logger: Logger, handler: PageHandler): (request: RawRequest, response: Response) => Promise<void> {
  return async (request, response) => {
    try {
      const page = await handler(request, response)
      if (page) sendPage(response, page)
    } catch (error) {
      if (error instanceof Problem && error.status < 500) throw error
      logger.error({ err: error, path: request.path }, 'a consent could not go on')
      response.set('Retry-After', '60')
      sendPage(response, {
        status: 503,
        title: 'Please try again in a minute',
        text: ['Something here does not work at the moment. Nothing was stored.'],
      })
    }
  }
}

/** The query as it was sent. */
export function queryOf(request: RawRequest): URLSearchParams {
  return new URLSearchParams(request.url.split('?')[1] ?? '')
}

/** One value of a query parameter; undefined when it is missing, empty or there twice. */
export function queryText(request: RawRequest, name: string): string | undefined {
  const value = request.query[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}
