import { type Database, listSpiServices } from '@tributary/database'
import { type EndpointDefinition, endpointKeyReader, type Reach, type Target } from '@tributary/delivery'
import { CONTACT_TOPIC, ORDER_TOPIC, type Topic } from '@tributary/events'
import type { Configuration } from '@tributary/runtime'
import type { Vault } from '@tributary/vault'
import { createSellerCodes } from './seller-codes.ts'
import { endpointName, ORDER_SYNC, spiEndpoint, targetOf } from './spi-endpoint.ts'
import { webhookEndpoint, webhooksOf, webhookTarget } from './webhook-endpoint.ts'

/** Where an endpoint is, for commands. `scope` is where its requests may go. */
export type EndpointTarget = { name: string; topic: Topic; target: Target | { problem: string }; scope: Reach['scope'] }

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
    return {
      name,
      topic: ORDER_TOPIC,
      target: targetOf({ row, services: spiServices, name, ours: keys.get(name) ?? [] }),
      scope: 'internal',
    }
  })
  const webhooks = webhooksOf(configuration).map((named): EndpointTarget => {
    return { name: named.name, topic: CONTACT_TOPIC, target: webhookTarget(named, keys.get(named.name) ?? []), scope: 'public' }
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
