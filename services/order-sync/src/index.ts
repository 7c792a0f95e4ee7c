export { createCallBudget } from './call-budget.ts'
export type { OrderSyncContext } from './context.ts'
export {
  listOrderReads,
  type OrderReadPlace,
  type OrderReadRow,
  readOrderReadPlace,
  retryOrderReads,
  writeOrderReadPlace,
} from './order-read-operations.ts'
export { ORDER_READ_STATES, type OrderReadState } from './order-read-tasks.ts'
export { createOrderSync } from './order-sync.ts'
