import type { Operation } from '../operation.ts'
import { FLOW_OPERATIONS } from './flow.ts'
import { ORDER_OPERATIONS } from './orders.ts'
import { SELLER_OPERATIONS } from './sellers.ts'
import { SHIPMENT_OPERATIONS } from './shipments.ts'
import { WEWORK_OPERATIONS } from './wework.ts'

/** Everything that the API can do. */
export const OPERATIONS: readonly Operation[] = [
  ...ORDER_OPERATIONS,
  ...SHIPMENT_OPERATIONS,
  ...SELLER_OPERATIONS,
  ...WEWORK_OPERATIONS,
  ...FLOW_OPERATIONS,
]
