export * from './dispatcher.ts'
export { endpointName, ORDER_SYNC, spiEventFilter } from './spi-endpoint.ts'
export { webhooksOf } from './webhook-endpoint.ts'
