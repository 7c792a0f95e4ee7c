export * from './events.ts'
export * from './given-when.ts'
export * from './verify.ts'
