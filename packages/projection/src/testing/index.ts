export * from './events.ts'
export * from './given-when.ts'
