export * from './definition.ts'
export * from './errors.ts'
export { keyText } from './keys.ts'
export { openEvents } from './open-events.ts'
export { type ProjectionFigures, type RunningProjection, startProjection } from './projection-consumer.ts'
export { checksumTable, type RowDifference, type TableComparison } from './rebuild/compare.ts'
export { readGeneration } from './rebuild/generation.ts'
export { building, retired } from './rebuild/names.ts'
export {
  abortRebuild,
  eventsToBuild,
  type RebuildEvent,
  type RebuildOutcome,
  rebuildProjection,
  rollBackRebuild,
} from './rebuild/rebuild.ts'
export { type RebuiltKey, rebuildKey } from './rebuild/rebuild-key.ts'
export { isEnded, latestRebuild, type RebuildRecord, type RebuildState, requestOfRebuild } from './rebuild/record.ts'
export * from './verify.ts'
