import { type Database, listSpiServices, type SpiServiceRow } from '@tributary/database'
import {
  contactTestRequest,
  type DeliveryRequest,
  type EndpointDefinition,
  endpointKeyReader,
  type KeyOwner,
  type OpenedKey,
  type Reach,
  spiTestRequest,
  type Target,
} from '@tributary/delivery'
import { CONTACT_TOPIC, ORDER_TOPIC, type StoredEvent, type Topic } from '@tributary/events'
import type { Configuration } from '@tributary/runtime'
import type { Vault } from '@tributary/vault'
import { createLocator, type Locator } from './discovery/locator.ts'
import { createSellerCodes } from './seller-codes.ts'
import { endpointName, ORDER_SYNC, spiEndpoint, spiEventFilter, targetOf } from './spi-endpoint.ts'
import { contactEventFilter, type NamedWebhook, webhookEndpoint, webhooksOf, webhookTarget } from './webhook-endpoint.ts'

/** An endpoint as `eg_spi` or the configuration names it now, the topic that it reads, and what signs for it. */
export type KnownEndpoint = {
  name: string
  topic: Topic
  owner: KeyOwner
  /** Where its owner keeps the secret, for people. */
  where: string
  source: { kind: 'spi'; row: SpiServiceRow } | { kind: 'webhook'; named: NamedWebhook }
}

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

type Context = {
  configuration: Pick<Configuration, 'consumerGroups' | 'spiServices' | 'spiDiscovery' | 'wework'>
  database: Database
}

/** Every SPI service of `eg_spi` and every webhook of the configuration. Throws DatabaseError. */
export async function listEndpoints({ configuration, database }: Context): Promise<KnownEndpoint[]> {
  const services = await listSpiServices(database, ORDER_SYNC)
  return [
    ...services.map((row): KnownEndpoint => {
      const name = endpointName(configuration.consumerGroups.orderSpi, row.serverCode)
      const owner = { endpoint: name, since: row.createTime, given: row.secret }
      return { name, topic: ORDER_TOPIC, owner, where: `eg_spi.secret of row ${row.id}`, source: { kind: 'spi', row } }
    }),
    ...webhooksOf(configuration).map((named): KnownEndpoint => {
      const { name, customer, webhook } = named
      const owner = { endpoint: name, since: 0, given: webhook.secret ?? '' }
      const where = `secret in qifu.eg.wework-map.${customer}.webhooks`
      return { name, topic: CONTACT_TOPIC, owner, where, source: { kind: 'webhook', named } }
    }),
  ]
}

/** Where endpoints are and how they are signed, in their order. Throws DatabaseError, VaultError. */
export async function endpointTargets(
  context: Context & { vault: Vault },
  endpoints: readonly KnownEndpoint[],
): Promise<EndpointTarget[]> {
  const keys = await endpointKeyReader(context)()
  const locator = createLocator(context.configuration)
  await locator.look(endpoints.flatMap(({ source }) => (source.kind === 'spi' ? source.row.serverName : [])))
  return endpoints.map((endpoint) => targetFor(endpoint, locator, keys.get(endpoint.name) ?? []))
}

function targetFor({ name, topic, source }: KnownEndpoint, locator: Locator, ours: readonly OpenedKey[]): EndpointTarget {
  if (source.kind === 'spi')
    return {
      ...{
        name,
        topic,
        target: targetOf({ row: source.row, located: locator.find(source.row.serverName), name, ours }),
        scope: 'internal',
      },
      testRequest: (target, now) => spiTestRequest({ name, target, now }),
    }
  const { mode, timeout: deadline } = source.named.webhook
  return {
    ...{ name, topic, target: webhookTarget(source.named, ours), scope: 'public', deadline },
    testRequest: (target, now) => contactTestRequest(mode, { name, target, now }),
  }
}

/** Every endpoint with what it delivers. Throws DatabaseError. */
export async function endpointDefinitions(context: Context & { vault: Vault }): Promise<EndpointDefinition[]> {
  const { configuration, database, vault } = context
  const sellerCodes = createSellerCodes(database)
  const group = configuration.consumerGroups.orderSpi
  return (await listEndpoints(context)).map(({ source }) =>
    source.kind === 'spi'
      ? spiEndpoint({ row: () => source.row, group, sellerCodes, vault, policy: {} })
      : webhookEndpoint({ named: source.named, vault, policy: {} }),
  )
}

/** Which stored events an endpoint would get, told without opening them, so that a million can be counted. Throws DatabaseError. */
export const eventFilterOf = (
  { source }: KnownEndpoint,
  database: Database,
): ((events: readonly StoredEvent[]) => Promise<boolean[]>) =>
  source.kind === 'spi' ? spiEventFilter(source.row, database) : contactEventFilter(source.named.customer)
