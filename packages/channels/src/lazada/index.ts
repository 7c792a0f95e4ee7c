export * from './lazada.ts'
export { signRequest } from './signature.ts'
