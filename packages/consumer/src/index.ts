export { blameFor, summarize } from './blame.ts'
export { consumeTo } from './consume-to.ts'
export * from './consumer.ts'
export { readAllCursors, readCursors } from './cursor.ts'
export type { ConsumerDefinition, Delivered, OwnedPartition } from './definition.ts'
export * from './errors.ts'
export type { ConsumerFigures, PartitionFigures } from './figures.ts'
export { lagOf } from './lag.ts'
export {
  carryDecisions,
  countParked,
  listParked,
  type ParkedKey,
  readSetAside,
  readWaiting,
  requeue,
  requeuedPartitions,
  skip,
} from './parking.ts'
