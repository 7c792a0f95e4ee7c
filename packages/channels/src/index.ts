export { signBody } from './app-signature.ts'
export * from './port.ts'
