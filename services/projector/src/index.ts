export { PROJECTIONS } from './projections.ts'
export * from './projector.ts'
