export { signRequest, signWebhook } from './signature.ts'
export * from './tiktok.ts'
