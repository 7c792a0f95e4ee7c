export * from './lazada.ts'
export { signPush, signRequest } from './signature.ts'
