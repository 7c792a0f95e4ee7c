import type { FaultOf } from '../faults.ts'

/** The calls that the simulator answers. */
export type Operation = 'token' | 'shops' | 'search' | 'detail' | 'providers' | 'mark-shipped' | 'ship-package'

export type Fault = FaultOf<Operation>
