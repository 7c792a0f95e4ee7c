import type { FaultOf } from '../faults.ts'

/** The calls that the simulator answers. */
export type Operation = 'token' | 'orders' | 'items' | 'order' | 'providers' | 'pack' | 'ready'

export type Fault = FaultOf<Operation>
