import type { Database, SpiServiceRow } from '@tributary/database'
import {
  type DeliveryPolicy,
  type EndpointDefinition,
  isSpiEvent,
  type OpenedKey,
  type Route,
  SPI_CONTRACT,
  SPI_EVENT_TYPES,
  type SpiEvent,
  spiBody,
  type Target,
} from '@tributary/delivery'
import { type Event, keyParts, ORDER_TOPIC, type PersonalPart, type StoredEvent } from '@tributary/events'
import type { Vault } from '@tributary/vault'
import type { Located } from './discovery/locator.ts'
import { createSellerCodes, type SellerCodes } from './seller-codes.ts'
import { signersOf } from './signing-keys.ts'

/** SPI type 1: order information sync. */
export const ORDER_SYNC = 1

/** What an endpoint for a row of `eg_spi` delivers: the orders of sellers that name its code, from its creation on. */
export function spiEndpoint(options: {
  /** The row as it stands now: rows change while their endpoint runs. */
  row: () => SpiServiceRow
  group: string
  sellerCodes: SellerCodes
  vault: Vault
  policy: Partial<DeliveryPolicy>
}): EndpointDefinition {
  const { row, sellerCodes, vault, policy } = options
  const name = endpointName(options.group, row().serverCode)
  return {
    name,
    topic: ORDER_TOPIC,
    // A group of its own: which process has which partition is settled for each endpoint by itself.
    group: name,
    types: SPI_EVENT_TYPES,
    contract: SPI_CONTRACT,
    policy,
    route: (events) => Promise.all(events.map((event) => routeOf(event, row(), sellerCodes))),
    routedBy: (event) => (isSince(event, row()) ? `${event.data.channel}:${event.data.sellerId}` : undefined),
    bodies: (events) => bodiesOf(events, vault),
  }
}

/** The name of an endpoint, of its consumer and of its cursor. */
export const endpointName = (group: string, serverCode: string): string => `${group}:${serverCode}`

/** A service gets nothing that happened before it was registered. */
const isSince = (event: Event, { createTime }: SpiServiceRow): event is SpiEvent =>
  isSpiEvent(event) && Date.parse(event.time) >= createTime

async function routeOf(event: Event, row: SpiServiceRow, sellerCodes: SellerCodes): Promise<Route> {
  if (!isSince(event, row)) return 'pass'
  const codes = await sellerCodes(event.data.channel, event.data.sellerId)
  if (codes === 'unknown') return 'later'
  return codes.includes(row.serverCode) ? 'deliver' : 'pass'
}

/**
 * Which stored events an endpoint would get, told by their keys alone, so that a million can be counted. A seller without a
 * row gets none. Throws DatabaseError.
 */
export function spiEventFilter(row: SpiServiceRow, database: Database): (events: readonly StoredEvent[]) => Promise<boolean[]> {
  const sellerCodes = createSellerCodes(database)
  const types: ReadonlySet<string> = new Set(SPI_EVENT_TYPES)
  return (events) =>
    Promise.all(
      events.map(async ({ type, time, partitionkey }) => {
        if (!types.has(type) || Date.parse(time) < row.createTime) return false
        const [channel, sellerId = ''] = keyParts(partitionkey)
        const codes = await sellerCodes(Number(channel), sellerId)
        return codes !== 'unknown' && codes.includes(row.serverCode)
      }),
    )
}

async function bodiesOf(events: readonly Event[], vault: Vault): Promise<string[]> {
  const wanted = events.filter(isSpiEvent)
  const sealed = wanted.flatMap((event) =>
    event.type === 'OrderReceived' && event.data.sealed !== null
      ? [{ subject: event.data.subject, eventId: event.id, jwe: event.data.sealed }]
      : [],
  )
  const opened = sealed.length === 0 ? [] : await vault.open(sealed)
  const byEvent = new Map(sealed.map(({ eventId }, index) => [eventId, opened[index]]))
  return wanted.map((event) => bodyOf(event, byEvent.get(event.id)))
}

function bodyOf(event: SpiEvent, opened: Awaited<ReturnType<Vault['open']>>[number] | undefined): string {
  // What was sealed had been checked against its schema, and the seal proves that it is the same.
  return spiBody(event, opened?.kind === 'opened' ? (JSON.parse(opened.plaintext) as PersonalPart) : 'erased')
}

/** How requests to a row's service are made, or what an operator must do so that it can be told. */
export function targetOf(options: {
  row: SpiServiceRow
  located: Located
  name: string
  ours: readonly OpenedKey[]
}): Target | { problem: string } {
  const { row, located, name } = options
  if ('problem' in located) return located
  // Keys that are older than the row were those of a service that had its code before.
  const ours = options.ours.filter(({ createTime }) => createTime >= row.createTime)
  const signers = signersOf({ name, ours, given: row.secret, where: `eg_spi.secret of row ${row.id}` }, Date.now())
  if ('problem' in signers) return signers
  const { instances } = located
  return { url: instances[0].url, ...(instances.length > 1 ? { instances } : {}), ...signers }
}
