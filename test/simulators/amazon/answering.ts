import type { Request, Response } from 'express'
import { answerWithFault, type Faults } from '../faults.ts'
import type { Operation } from './faults.ts'
import type { Market } from './market.ts'

export type SimulatedApp = { clientId: string; clientSecret: string; applicationId: string; redirectUri: string }
/** What becomes of buyer and recipient: an app without the role may find them left out, or its call refused. */
export type People = 'given' | 'left-out' | 'refused'

export type World = {
  market: Market
  app: SimulatedApp
  faults: Faults<Operation>
  calls: Operation[]
  searches: URLSearchParams[]
  people(): People
  rotates(): boolean
}

/** `body` goes out as JSON, `text` as it is. */
export type Answer = { status: number; body?: unknown; text?: string }

/** An answer in the shape of every refusal of SP-API. */
export const refused = (status: number, code: string, message: string): Answer => ({
  status,
  body: { errors: [{ code, message, details: '' }] },
})

/** Counts the call, plays the next fault, or does what was asked. */
export function run(
  { calls, faults }: Pick<World, 'calls' | 'faults'>,
  operation: Operation,
  { request, response }: { request: Request; response: Response },
  handle: () => Answer,
): void {
  calls.push(operation)
  response.set('x-amzn-RequestId', `simulated-${calls.length}`)
  const fault = faults.next(operation)
  if (fault?.kind === 'code') {
    const { status = 400, code, message = 'simulated' } = fault
    const body =
      operation === 'token' ? { error: code, error_description: message } : refused(status, String(code), message).body
    response.status(status).json(body)
    return
  }
  if (fault && answerWithFault(fault, response)) return
  const { status, body, text } = handle()
  if (fault) request.socket.destroy()
  else if (body === undefined) response.status(status).end(text)
  else response.status(status).json(body)
}
