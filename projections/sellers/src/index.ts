export { sellers } from './projection.ts'
