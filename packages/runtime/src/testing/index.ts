export * from './metric-value.ts'
