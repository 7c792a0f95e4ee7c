export * from './faults.ts'
export * from './receiver.ts'
export * from './record.ts'
