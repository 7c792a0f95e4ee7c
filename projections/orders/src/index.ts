export { orders } from './projection.ts'
