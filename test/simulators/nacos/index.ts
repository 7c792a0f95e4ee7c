export * from './simulator.ts'
