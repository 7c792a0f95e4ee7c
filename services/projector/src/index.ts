export { projectionsOf } from './projections.ts'
export * from './projector.ts'
