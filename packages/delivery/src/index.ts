export { type DeliveryTry, readTries } from './attempt.ts'
export { earlierOfClocks, keepAttemptPartitions } from './attempt-partitions.ts'
export * from './contact-message.ts'
export * from './contact-request.ts'
export * from './endpoint.ts'
export * from './endpoint-consumer.ts'
export * from './endpoint-state.ts'
export * from './errors.ts'
export type { GateView } from './gate.ts'
export type { Instance } from './instances.ts'
export * from './keys/changes.ts'
export * from './keys/endpoint-key.ts'
export * from './keys/new-secret.ts'
export * from './keys/sealing.ts'
export * from './lane-operations.ts'
export * from './list-deliveries.ts'
export * from './list-place.ts'
export * from './outcome.ts'
export type { Delivery } from './place.ts'
export type { Reach } from './reach/addresses.ts'
export type { HostWay } from './reach/connections.ts'
export { lookAtReach } from './reach/connector.ts'
export {
  beginReplay,
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
export { retryDelivery } from './retry-delivery.ts'
export { dropOldRoutings } from './routing-rows.ts'
export * from './schedule.ts'
export * from './send.ts'
export * from './signature.ts'
export * from './spi-message.ts'
export { readStanding, type Standing } from './standing.ts'
export * from './test-message.ts'
export { type PartitionRange, verifyDeliveries } from './verify-deliveries.ts'
