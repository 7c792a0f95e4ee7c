export { signRequest } from './signature.ts'
export * from './tiktok.ts'
