export * from './metrics-server.ts'
export * from './routes.ts'
export * from './server.ts'
