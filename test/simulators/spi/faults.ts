import { once } from 'node:events'
import type { ServerResponse } from 'node:http'

/** What a receiver can do wrong with a request that is signed well. */
export type Fault =
  /** Never answers. */
  | { kind: 'hang' }
  /** Answers well, late. */
  | { kind: 'slow'; milliseconds: number }
  /** Answers once the promise is settled: well, or with another fault. */
  | { kind: 'held'; until: Promise<unknown>; answer?: Fault }
  | { kind: 'status'; status: number; headers?: Record<string, string>; body?: string }
  /** 200 with `"success": false`. */
  | { kind: 'no success' }
  /** Takes the request and resets the connection. */
  | { kind: 'reset' }
  /** Announces a body, sends a part of it and ends the connection. */
  | { kind: 'half answer' }
  /** 200 with a body of so many bytes. */
  | { kind: 'long answer'; bytes: number }

/** Whether the receiver keeps what it got although it answers so: the sender cannot know, and sends again. */
export function keepsRequest(fault: Fault): boolean {
  if (fault.kind === 'held') return fault.answer === undefined || keepsRequest(fault.answer)
  return fault.kind !== 'status' && fault.kind !== 'no success'
}

/** Answers with a fault; resolves when there is nothing left to do. */
export async function answerWith(fault: Fault, response: ServerResponse): Promise<void> {
  switch (fault.kind) {
    case 'hang':
      return
    case 'slow':
      await new Promise((resolve) => setTimeout(resolve, fault.milliseconds))
      return answerWell(response)
    case 'held':
      await fault.until
      return fault.answer ? answerWith(fault.answer, response) : answerWell(response)
    case 'status':
      response.writeHead(fault.status, fault.headers).end(fault.body ?? '')
      return
    case 'no success':
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"success": false, "message": "not now"}')
      return
    case 'reset':
      response.socket?.resetAndDestroy()
      return
    case 'half answer':
      response.writeHead(200, { 'content-length': 1_000 }).write('{"success":', () => response.destroy())
      return
    case 'long answer':
      return answerAtLength(response, fault.bytes)
  }
}

export function answerWell(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end('{"success":true}')
}

async function answerAtLength(response: ServerResponse, bytes: number): Promise<void> {
  response.writeHead(200, { 'content-length': bytes })
  const chunk = Buffer.alloc(65_536, 'x')
  const closed = once(response, 'close')
  for (let left = bytes; left > 0 && !response.destroyed; left -= chunk.length) {
    const goesOn = response.write(chunk.subarray(0, Math.min(left, chunk.length)))
    if (!goesOn) await Promise.race([once(response, 'drain'), closed])
  }
  response.end()
}
