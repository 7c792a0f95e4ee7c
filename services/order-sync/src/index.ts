export { createCallBudget } from './call-budget.ts'
export type { OrderSyncContext } from './context.ts'
export { listOrderReads, type OrderReadRow, type OrderReadState } from './order-read-tasks.ts'
export { createOrderSync } from './order-sync.ts'
