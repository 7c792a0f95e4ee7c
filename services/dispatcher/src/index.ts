export * from './dispatcher.ts'
export {
  type EndpointTarget,
  endpointDefinitions,
  endpointTargets,
  eventFilterOf,
  type KnownEndpoint,
  listEndpoints,
} from './known-endpoints.ts'
export { endpointName, ORDER_SYNC } from './spi-endpoint.ts'
export { webhooksOf } from './webhook-endpoint.ts'
