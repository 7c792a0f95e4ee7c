export { keepAttemptPartitions } from './attempt-partitions.ts'
export * from './contact-message.ts'
export * from './contact-request.ts'
export { type DeadLetter, listDeadLetters } from './dead-letter.ts'
export * from './endpoint.ts'
export * from './endpoint-consumer.ts'
export * from './endpoint-state.ts'
export * from './errors.ts'
export type { GateView } from './gate.ts'
export * from './keys/changes.ts'
export * from './keys/endpoint-key.ts'
export * from './keys/new-secret.ts'
export * from './keys/sealing.ts'
export * from './lane-operations.ts'
export * from './list-lanes.ts'
export * from './outcome.ts'
export type { Reach } from './reach/addresses.ts'
export {
  countReplay,
  type PartitionReplay,
  planReplay,
  type ReplayCount,
  readPresentPace,
  readReplayProgress,
  readReplayStarts,
  startReplay,
} from './replay.ts'
export * from './request.ts'
export * from './schedule.ts'
export * from './send.ts'
export * from './signature.ts'
export * from './spi-message.ts'
