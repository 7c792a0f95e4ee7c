import { type Database, listSpiServices } from '@tributary/database'
import type { KeyOwner } from '@tributary/delivery'
import { endpointName, ORDER_SYNC, webhooksOf } from '@tributary/dispatcher'
import { CONTACT_TOPIC, ORDER_TOPIC, type Topic } from '@tributary/events'
import type { Configuration } from '@tributary/runtime'
import { CommandError } from './failure.ts'

/** An endpoint, the topic that it reads, and what signs for it. */
export type KnownEndpoint = {
  name: string
  topic: Topic
  owner: KeyOwner
  /** Where its owner keeps the secret, for people. */
  where: string
  /** Of `eg_spi`; undefined for a webhook. */
  row?: number
  /** Whether its mode leaves its requests unsigned, whatever keys there are. */
  isUnsigned?: boolean
}

/** The endpoint of this name. Throws CommandError ENDPOINT_UNKNOWN. */
export async function knownEndpoint(database: Database, configuration: Configuration, name: string): Promise<KnownEndpoint> {
  const found = (await endpointsOf(database, configuration)).find((endpoint) => endpoint.name === name)
  if (found) return found
  throw unknownEndpoint(name)
}

export const unknownEndpoint = (name: string): CommandError =>
  new CommandError('ENDPOINT_UNKNOWN', `There is no endpoint '${name}'. See: tributary endpoint list`)

/** Every SPI service of `eg_spi` and every webhook of the configuration. Throws DatabaseError. */
export async function endpointsOf(database: Database, configuration: Configuration): Promise<KnownEndpoint[]> {
  const services = await listSpiServices(database, ORDER_SYNC)
  return [
    ...services.map(({ id, serverCode, secret, createTime }): KnownEndpoint => {
      const name = endpointName(configuration.consumerGroups.orderSpi, serverCode)
      const owner = { endpoint: name, since: createTime, given: secret }
      return { name, topic: ORDER_TOPIC, owner, where: `eg_spi.secret of row ${id}`, row: id }
    }),
    ...webhooksOf(configuration).map(({ name, customer, webhook: { secret = '', mode } }): KnownEndpoint => {
      const owner = { endpoint: name, since: 0, given: secret }
      const where = `secret in qifu.eg.wework-map.${customer}.webhooks`
      return { name, topic: CONTACT_TOPIC, owner, where, isUnsigned: mode === 'compat' }
    }),
  ]
}
