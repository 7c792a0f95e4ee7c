import type { Response } from 'express'

/**
 * What goes wrong with a call: `code` answers with one of the marketplace's own codes, `status` with a bare HTTP status, `hang`
 * never answers, `half` breaks off in the middle of the body, `lost` does what was asked and breaks off before the answer. `after` so many
 * calls go well first.
 */
export type FaultOf<Operation extends string> = { operation: Operation; times?: number; after?: number } & (
  | { kind: 'code'; code: number | string; type?: string; message?: string; status?: number }
  | { kind: 'status'; status: number }
  | { kind: 'hang' | 'half' | 'lost' }
)

export type Faults<Operation extends string> = {
  add(fault: FaultOf<Operation>): void
  clear(): void
  /** The next fault of a call, used up by this. */
  next(operation: Operation): FaultOf<Operation> | undefined
}

/** Faults in the order in which they were added; each is used up by `times` calls, one unless said otherwise. */
export function createFaults<Operation extends string>(): Faults<Operation> {
  const waiting: FaultOf<Operation>[] = []
  return {
    add: (fault) => void waiting.push({ ...fault }),
    clear: () => void waiting.splice(0),
    next(operation) {
      const index = waiting.findIndex((fault) => fault.operation === operation)
      const fault = waiting[index]
      if (!fault) return undefined
      if (fault.after) {
        fault.after -= 1
        return undefined
      }
      fault.times = (fault.times ?? 1) - 1
      if (fault.times <= 0) waiting.splice(index, 1)
      return fault
    },
  }
}

/** Answers as the fault says; false when the fault lets the call be done first. */
export function answerWithFault(fault: FaultOf<string>, response: Response): boolean {
  if (fault.kind === 'lost') return false
  if (fault.kind === 'status') response.status(fault.status).end()
  if (fault.kind === 'code') {
    const { code, type, message = 'simulated', status = 200 } = fault
    response.status(status).json({ code, type, message, request_id: 'r' })
  }
  if (fault.kind === 'half') {
    response.setHeader('content-type', 'application/json')
    response.setHeader('content-length', '1000')
    response.write('{"code":0,"data":{"orders":[{"id":"57')
    setImmediate(() => response.destroy())
  }
  return true
}
