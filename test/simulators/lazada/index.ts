export * from './faults.ts'
export * from './market.ts'
export * from './simulator.ts'
