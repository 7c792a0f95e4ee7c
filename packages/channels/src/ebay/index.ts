export * from './ebay.ts'
