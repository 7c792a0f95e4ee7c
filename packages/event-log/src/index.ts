export { MAX_CALL_BYTES, MAX_CALL_EVENTS, MAX_DATA_BYTES } from './limits.ts'
export * from './open-event-log.ts'
export * from './partition.ts'
export * from './port.ts'
