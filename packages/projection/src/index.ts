export * from './definition.ts'
export * from './errors.ts'
export { type ProjectionFigures, type RunningProjection, startProjection } from './projection-consumer.ts'
export * from './verify.ts'
