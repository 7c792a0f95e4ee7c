import { type Database, listSpiServices } from '@tributary/database'
import {
  contactTestRequest,
  type DeliveryRequest,
  type EndpointDefinition,
  endpointKeyReader,
  type Reach,
  spiTestRequest,
  type Target,
} from '@tributary/delivery'
import { CONTACT_TOPIC, ORDER_TOPIC, type Topic } from '@tributary/events'
import type { Configuration } from '@tributary/runtime'
import type { Vault } from '@tributary/vault'
import { createSellerCodes } from './seller-codes.ts'
import { endpointName, ORDER_SYNC, spiEndpoint, targetOf } from './spi-endpoint.ts'
import { webhookEndpoint, webhooksOf, webhookTarget } from './webhook-endpoint.ts'

/**
 * Where an endpoint is, for commands. `scope` is where its requests may go, `deadline` its own, in milliseconds.
 * `testRequest` makes a request that tests it, at a time in milliseconds since 1970.
 */
export type EndpointTarget = {
  name: string
  topic: Topic
  target: Target | { problem: string }
  scope: Reach['scope']
  deadline?: number
  testRequest(target: Target, now: number): DeliveryRequest
}

type Known = {
  configuration: Pick<Configuration, 'consumerGroups' | 'spiServices' | 'wework'>
  database: Database
  vault: Vault
}

/** Every endpoint as `eg_spi` and the configuration say it now, with where it is and how it is signed. Throws DatabaseError, VaultError. */
export async function endpointTargets({ configuration, database, vault }: Known): Promise<EndpointTarget[]> {
  const { consumerGroups, spiServices } = configuration
  const keys = await endpointKeyReader({ database, vault })()
  const services = (await listSpiServices(database, ORDER_SYNC)).map((row): EndpointTarget => {
    const name = endpointName(consumerGroups.orderSpi, row.serverCode)
    const testRequest = (target: Target, now: number) => spiTestRequest({ name, target, now })
    const target = targetOf({ row, services: spiServices, name, ours: keys.get(name) ?? [] })
    return { name, topic: ORDER_TOPIC, target, scope: 'internal', testRequest }
  })
  const webhooks = webhooksOf(configuration).map((named): EndpointTarget => {
    const { name, webhook } = named
    const testRequest = (target: Target, now: number) => contactTestRequest(webhook.mode, { name, target, now })
    const where = { target: webhookTarget(named, keys.get(name) ?? []), scope: 'public', deadline: webhook.timeout } as const
    return { name, topic: CONTACT_TOPIC, ...where, testRequest }
  })
  return [...services, ...webhooks]
}

/** Every endpoint with what it delivers. Throws DatabaseError. */
export async function knownEndpoints({ configuration, database, vault }: Known): Promise<EndpointDefinition[]> {
  const sellerCodes = createSellerCodes(database)
  const group = configuration.consumerGroups.orderSpi
  const services = await listSpiServices(database, ORDER_SYNC)
  return [
    ...services.map((row) => spiEndpoint({ row: () => row, group, sellerCodes, vault, policy: {} })),
    ...webhooksOf(configuration).map((named) => webhookEndpoint({ named, vault, policy: {} })),
  ]
}
