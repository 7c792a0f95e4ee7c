import type { Fault } from './faults.ts'

/** Which requests go wrong, and how. */
export type FaultPlan = {
  add(fault: Fault, options: { key: string | undefined; times: number }): void
  /** Forgets the faults of a key, or all. */
  clear(key?: string): void
  /** The fault for the next request of a key: its own first, then one for all; counted down. */
  next(key: string): Fault | undefined
}

export function createFaultPlan(): FaultPlan {
  let planned: { fault: Fault; key: string | undefined; left: number }[] = []
  return {
    add(fault, { key, times }) {
      planned.push({ fault, key, left: times })
    },
    clear(key) {
      planned = key === undefined ? [] : planned.filter((plan) => plan.key !== key)
    },
    next(key) {
      const found = planned.find((plan) => plan.key === key) ?? planned.find((plan) => plan.key === undefined)
      if (found && --found.left <= 0) planned = planned.filter((plan) => plan !== found)
      return found?.fault
    },
  }
}
