export { signBody } from './app-signature.ts'
export * from './consent-token.ts'
export * from './port.ts'
