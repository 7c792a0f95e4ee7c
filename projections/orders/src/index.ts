export { orders } from './projection.ts'
export { TABLES as ORDER_TABLES } from './tables.ts'
