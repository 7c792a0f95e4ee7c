/** The calls that the simulator answers. */
export type OperationName =
  | 'authorize'
  | 'consent'
  | 'token'
  | 'getUser'
  | 'getOrders'
  | 'getOrder'
  | 'getShippingFulfillments'
  | 'createShippingFulfillment'
  | 'getPublicKey'

/** What can go wrong with an answer. */
export type FaultKind =
  | { kind: 'rate-limited'; retryAfter?: string }
  | { kind: 'status'; status: number; body?: string }
  /** The answer is made at once, and given when the promise that this makes then is settled. */
  | { kind: 'late'; until: () => Promise<unknown> }
  /** No answer, ever. */
  | { kind: 'hang' }
  /** The connection breaks before the answer. */
  | { kind: 'reset' }
  /** The connection breaks in the middle of the answer. */
  | { kind: 'half-body' }

/**
 * Which call goes wrong and how often (once unless said otherwise). `when: 'after'` does what was asked and fails only the
 * answer, which is the case that tempts callers to do things twice.
 */
export type Fault = FaultKind & { operation: OperationName; times?: number; when?: 'before' | 'after' }

export type Faults = {
  add(fault: Fault): void
  clear(): void
  /** The next fault for a call, used up by this. */
  take(operation: OperationName): Fault | undefined
}

export function createFaults(): Faults {
  let waiting: { fault: Fault; left: number }[] = []
  return {
    add: (fault) => void waiting.push({ fault, left: fault.times ?? 1 }),
    clear: () => {
      waiting = []
    },
    take(operation) {
      const entry = waiting.find(({ fault }) => fault.operation === operation)
      if (!entry) return undefined
      entry.left -= 1
      if (entry.left <= 0) waiting = waiting.filter((other) => other !== entry)
      return entry.fault
    },
  }
}
