export * from './logger.ts'
export * from './pause.ts'
export * from './service.ts'
