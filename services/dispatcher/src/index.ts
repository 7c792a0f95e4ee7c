export * from './dispatcher.ts'
export { type EndpointTarget, endpointTargets, knownEndpoints } from './known-endpoints.ts'
export { endpointName, ORDER_SYNC, spiEventFilter } from './spi-endpoint.ts'
export { contactEventFilter, webhooksOf } from './webhook-endpoint.ts'
