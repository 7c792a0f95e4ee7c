import type { FaultOf } from '../faults.ts'

/** The calls that the simulator answers: those of Login with Amazon, of SP-API, of SQS and of SNS. */
export type Operation = 'token' | 'search' | 'order' | 'confirm' | 'receive' | 'delete' | 'certificate' | 'subscribe'

export type Fault = FaultOf<Operation>
