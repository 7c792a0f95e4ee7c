export * from './faults.ts'
export * from './market.ts'
export * from './queue.ts'
export * from './simulator.ts'
