export * from './rows.ts'
export * from './text.ts'
