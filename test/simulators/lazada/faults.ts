import type { Response } from 'express'

export type Operation = 'token' | 'orders' | 'items' | 'order' | 'pack' | 'ready'

/**
 * What goes wrong: `code` answers with one of Lazada's codes, `status` with a bare HTTP status, `hang` never answers, `half`
 * breaks off in the middle of the body, `lost` does what was asked and breaks off before the answer.
 */
export type Fault = { operation: Operation; times?: number } & (
  | { kind: 'code'; code: string; type?: string }
  | { kind: 'status'; status: number }
  | { kind: 'hang' | 'half' | 'lost' }
)

/** Faults in the order in which they were added; each is used up by `times` calls, one unless said otherwise. */
export function createFaults() {
  const waiting: Fault[] = []
  return {
    add: (fault: Fault) => void waiting.push({ ...fault }),
    clear: () => void waiting.splice(0),
    next(operation: Operation): Fault | undefined {
      const index = waiting.findIndex((fault) => fault.operation === operation)
      const fault = waiting[index]
      if (!fault) return undefined
      fault.times = (fault.times ?? 1) - 1
      if (fault.times <= 0) waiting.splice(index, 1)
      return fault
    },
  }
}

/** Answers as the fault says; false when the fault lets the call be done first. */
export function answerWithFault(fault: Fault, response: Response): boolean {
  if (fault.kind === 'lost') return false
  if (fault.kind === 'status') response.status(fault.status).end()
  if (fault.kind === 'code')
    response.json({ code: fault.code, type: fault.type ?? 'ISV', message: 'simulated', request_id: 'r' })
  if (fault.kind === 'half') {
    response.setHeader('content-type', 'application/json')
    response.setHeader('content-length', '1000')
    response.write('{"code":"0","data":{"orders":[{"order_id":14')
    setImmediate(() => response.destroy())
  }
  return true
}
