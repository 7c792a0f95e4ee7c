import { type Database, listSpiServices } from '@tributary/database'
import type { EndpointDefinition, Reach, Target } from '@tributary/delivery'
import type { Configuration } from '@tributary/runtime'
import type { Vault } from '@tributary/vault'
import { createSellerCodes } from './seller-codes.ts'
import { ORDER_SYNC, spiEndpoint, targetOf } from './spi-endpoint.ts'
import { webhookEndpoint, webhooksOf, webhookTarget } from './webhook-endpoint.ts'

/** An endpoint as a dispatcher runs it, for commands that look at it. `scope` is where its requests may go. */
export type KnownEndpoint = {
  definition: EndpointDefinition
  target: Target | { problem: string }
  scope: Reach['scope']
}

/** Every endpoint as `eg_spi` and the configuration say it now. Throws DatabaseError. */
export async function knownEndpoints({
  configuration,
  database,
  vault,
}: {
  configuration: Pick<Configuration, 'consumerGroups' | 'spiServices' | 'wework'>
  database: Database
  vault: Vault
}): Promise<KnownEndpoint[]> {
  const sellerCodes = createSellerCodes(database)
  const group = configuration.consumerGroups.orderSpi
  const services = (await listSpiServices(database, ORDER_SYNC)).map((row): KnownEndpoint => {
    const definition = spiEndpoint({ row: () => row, group, sellerCodes, vault, policy: {} })
    return { definition, target: targetOf(row, configuration.spiServices), scope: 'internal' }
  })
  const webhooks = webhooksOf(configuration).map((named): KnownEndpoint => {
    const definition = webhookEndpoint({ named, vault, policy: {} })
    return { definition, target: webhookTarget(named), scope: 'public' }
  })
  return [...services, ...webhooks]
}
