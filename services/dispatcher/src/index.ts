export * from './asked-replay.ts'
export { createLocator, type Located } from './discovery/locator.ts'
export * from './dispatcher.ts'
export * from './endpoint-test.ts'
export {
  type EndpointTarget,
  endpointDefinitions,
  endpointTargets,
  type KnownEndpoint,
  listEndpoints,
} from './known-endpoints.ts'
export { endpointName, ORDER_SYNC } from './spi-endpoint.ts'
