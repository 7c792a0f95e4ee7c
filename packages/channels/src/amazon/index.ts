export * from './amazon.ts'
export { type SnsMessage, signedText } from './sns-signature.ts'
