import type { Operation } from '../operation.ts'
import { DELIVERY_OPERATIONS } from './deliveries.ts'
import { ENDPOINT_KEY_OPERATIONS } from './endpoint-keys.ts'
import { ENDPOINT_OPERATIONS } from './endpoints.ts'
import { FLOW_OPERATIONS } from './flow.ts'
import { ORDER_OPERATIONS } from './orders.ts'
import { REPLAY_OPERATIONS } from './replays.ts'
import { SELLER_OPERATIONS } from './sellers.ts'
import { SHIPMENT_OPERATIONS } from './shipments.ts'
import { WEWORK_OPERATIONS } from './wework.ts'

/** Everything that the API can do. */
export const OPERATIONS: readonly Operation[] = [
  ...ORDER_OPERATIONS,
  ...SHIPMENT_OPERATIONS,
  ...SELLER_OPERATIONS,
  ...WEWORK_OPERATIONS,
  ...ENDPOINT_OPERATIONS,
  ...ENDPOINT_KEY_OPERATIONS,
  ...DELIVERY_OPERATIONS,
  ...REPLAY_OPERATIONS,
  ...FLOW_OPERATIONS,
]
