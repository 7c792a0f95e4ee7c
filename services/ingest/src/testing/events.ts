import type { Event } from '@tributary/events'
import type { EbayMessage } from '@tributary/test/simulators/ebay'
import { expect } from 'chai'
import type { IngestUnderTest } from './ingest-under-test.ts'

/** The one element of a list that must have one. */
export function single<T>(list: readonly T[]): T {
  expect(list).to.have.length(1)
  return list[0] as T
}

export function ofType<T extends Event['type']>(events: readonly Event[], type: T): Extract<Event, { type: T }>[] {
  return events.filter((event): event is Extract<Event, { type: T }> => event.type === type)
}

/** What eBay says of a new order of a new seller. */
export function orderMessageOf(its: IngestUnderTest): { seller: { userId: string; username: string }; message: EbayMessage } {
  const seller = its.ebay.market.addSeller()
  return { seller, message: its.ebay.notifications.orderConfirmation(its.ebay.market.addOrder(seller.userId).orderId) }
}
