export * from './instruments.ts'
export * from './observe.ts'
