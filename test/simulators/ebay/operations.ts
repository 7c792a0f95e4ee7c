import type { Request, RequestHandler, Response } from 'express'
import type { Fault, Faults, OperationName } from './faults.ts'

/** One call that reached the simulator, with what it was answered; status 0 when the answer was withheld or cut. */
export type RequestRecord = {
  operation: OperationName
  method: string
  path: string
  query: Readonly<Record<string, string>>
  authorization: string
  body: string
  time: number
  status: number
}

export type Reply = { status: number; headers?: Readonly<Record<string, string>>; body?: string }

/** A sandbox may run for days. */
const LONGEST_RECORD = 10_000

/** Makes request handlers that keep a record and go wrong on demand. */
export function createOperations(options: { faults: Faults; requests: RequestRecord[]; clock: () => number }) {
  return (operation: OperationName, perform: (request: Request) => Reply): RequestHandler =>
    async (request, response) => {
      const record = recordOf(operation, request, options.clock())
      options.requests.push(record)
      if (options.requests.length > LONGEST_RECORD) options.requests.shift()
      const fault = options.faults.take(operation)
      const replaced = fault && fault.when !== 'after' ? replacement(fault) : undefined
      const reply = replaced ?? perform(request)
      record.status = await answer(response, reply, fault)
    }
}

export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
}

/** eBay's error body (developer.ebay.com, "Handling error messages"). */
export function failure(
  status: number,
  errorId: number,
  message: string,
  options: { domain?: string; category?: string } = {},
) {
  const { domain = 'API_FULFILLMENT', category = 'REQUEST' } = options
  return json(status, { errors: [{ errorId, domain, category, message, longMessage: message }] })
}

/** The answer in place of doing what was asked; undefined when the fault only concerns the way back. */
function replacement(fault: Fault): Reply | undefined {
  if (fault.kind === 'hang' || fault.kind === 'reset') return { status: 0 }
  return failed(fault)
}

function failed(fault: Fault): Reply | undefined {
  if (fault.kind === 'status') return { status: fault.status, body: fault.body ?? '' }
  if (fault.kind !== 'rate-limited') return undefined
  const reply = failure(429, 2001, 'The request limit has been reached for the resource.', { domain: 'ACCESS' })
  return fault.retryAfter === undefined ? reply : { ...reply, headers: { ...reply.headers, 'retry-after': fault.retryAfter } }
}

async function answer(response: Response, reply: Reply, fault: Fault | undefined): Promise<number> {
  if (fault?.kind === 'hang') return 0
  if (fault?.kind === 'reset') {
    response.socket?.resetAndDestroy()
    return 0
  }
  if (fault?.kind === 'late') await fault.until()
  const { status, headers = {}, body = '' } = (fault && failed(fault)) ?? reply
  const bytes = Buffer.from(body)
  response.writeHead(status, { ...headers, 'content-length': bytes.length })
  if (fault?.kind === 'half-body') {
    response.write(bytes.subarray(0, bytes.length / 2), () => response.socket?.destroy())
    return 0
  }
  response.end(bytes)
  return status
}

function recordOf(operation: OperationName, request: Request, time: number): RequestRecord {
  const url = new URL(request.originalUrl, 'http://simulator')
  return {
    operation,
    method: request.method,
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    authorization: request.headers.authorization ?? '',
    body: typeof request.body === 'string' ? request.body : '',
    time,
    status: 0,
  }
}
