/** The calls of the contacts API that the simulator answers, by WeCom's own names. */
export type CallName =
  | 'get_suite_token'
  | 'get_permanent_code'
  | 'get_corp_token'
  | 'gettoken'
  | 'department/simplelist'
  | 'department/list'
  | 'user/simplelist'
  | 'user/list_id'
  | 'user/list_member_auth'

/** What can go wrong with an answer; `errcode` is WeCom's own way, with status 200. */
export type FaultKind =
  | { kind: 'errcode'; errcode: number }
  | { kind: 'status'; status: number }
  | { kind: 'late'; milliseconds: number }
  /** No answer, ever. */
  | { kind: 'hang' }
  /** The connection breaks before the answer. */
  | { kind: 'reset' }
  /** The connection breaks in the middle of the answer. */
  | { kind: 'half-body' }

/** Which call goes wrong, how often (once unless said otherwise), and from which such call on. */
export type Fault = FaultKind & { call: CallName; times?: number; after?: number }

export type Faults = {
  add(fault: Fault): void
  clear(): void
  /** The next fault of a call, used up by this. */
  take(call: CallName): Fault | undefined
}

export function createFaults(): Faults {
  let waiting: { fault: Fault; left: number; skip: number }[] = []
  return {
    add: (fault) => void waiting.push({ fault, left: fault.times ?? 1, skip: fault.after ?? 0 }),
    clear: () => {
      waiting = []
    },
    take(call) {
      const entry = waiting.find(({ fault }) => fault.call === call)
      if (!entry) return undefined
      if (entry.skip > 0) {
        entry.skip -= 1
        return undefined
      }
      entry.left -= 1
      if (entry.left <= 0) waiting = waiting.filter((other) => other !== entry)
      return entry.fault
    },
  }
}
