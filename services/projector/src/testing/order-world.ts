import {
  createRowIds,
  derivedEventId,
  type EventData,
  encodeEvent,
  ORDER_STATUSES,
  type OrderLine,
  type PersonalPart,
  type StoredEvent,
  sellerKey,
} from '@tributary/events'
import { EXAMPLE_DATA, exampleEvent } from '@tributary/events/examples'
import { aPersonalPart } from '@tributary/projection/testing'
import type { Random } from '@tributary/test/random'
import type { Vault } from '@tributary/vault'

const SELLERS = ['north_sea', 'alps', 'ALPS']
const ORDERS = 12
const BUYERS = 5
const LINES = ['1', '2', '3', '4']
const START = Date.UTC(2026, 10, 23)

/** Makes events as services would, in random order: sellers, snapshots of their orders, erasures. */
export function createOrderWorld(vault: Vault, random: Random) {
  const rowIds = createRowIds({ worker: 0 })
  const sellerRowIds = new Map(SELLERS.map((seller) => [seller, rowIds.next()]))
  const erased = new Set<string>()
  let made = 0
  let isFirstSeller = true
  const nextId = () => derivedEventId('world', ++made)
  const heard = () => START + made * 1_000
  const orderOf = (number: number) => {
    const sellerId = SELLERS[number % SELLERS.length] ?? ''
    const buyer = `buyer ${number % BUYERS}`
    return { channel: 1, sellerId, orderId: `order-${number}`, sellerRowId: sellerRowIds.get(sellerId) ?? 1, buyer }
  }

  const line = (lineItemId: string): OrderLine => ({
    lineItemId,
    quantity: random.from(1, 3),
    title: random.pick(['Oak mallet', '鑿'.repeat(300), '🪵'.repeat(200)]),
    sku: random.pick(['', 'MALLET']),
  })
  const personalPart = (): PersonalPart =>
    random.pick([
      aPersonalPart({ original: JSON.stringify({ snapshot: made, notes: 'é'.repeat(50) }) }),
      aPersonalPart({ buyer: { id: 'some_buyer' }, receiver: {}, original: '{}' }),
      aPersonalPart({ buyer: { remark: 'x'.repeat(600) }, receiver: { addressLine1: `Road ${made}` }, original: '{"a":1}' }),
    ])

  /** A snapshot, often older than one before. */
  const snapshot = async (): Promise<StoredEvent> => {
    const { buyer, ...order } = orderOf(random.from(0, ORDERS - 1))
    const subject = vault.subject('ebay:user', buyer)
    const id = nextId()
    const [seal] = await vault.seal([{ subject, eventId: id, plaintext: JSON.stringify(personalPart()) }])
    const lines = LINES.filter(() => random.from(1, 3) > 1).map(line)
    const data: Partial<EventData<'OrderReceived'>> = {
      ...order,
      sourceTime: START + random.from(0, 30) * 60_000,
      rowIds: {
        order: rowIds.next(),
        original: rowIds.next(),
        lines: Object.fromEntries(LINES.map((lineItemId) => [lineItemId, rowIds.next()])),
      },
      order: { ...EXAMPLE_DATA.OrderReceived.order, status: random.pick(ORDER_STATUSES), lines },
      subject,
      sealed: seal?.kind === 'sealed' ? seal.jwe : null,
    }
    return encodeEvent(exampleEvent('OrderReceived', id, { time: heard(), data }))
  }

  /** Destroys the key of a buyer, and says so for each order that may hold data of theirs. */
  const erasure = async (): Promise<StoredEvent[]> => {
    const number = random.from(0, BUYERS - 1)
    const buyer = `buyer ${number}`
    const subject = vault.subject('ebay:user', buyer)
    await vault.destroy(subject)
    erased.add(buyer)
    return Array.from({ length: ORDERS }, (_, order) => orderOf(order))
      .filter((order) => order.buyer === buyer)
      .map(({ buyer: _buyer, ...order }) =>
        encodeEvent(
          exampleEvent('PersonalDataErased', nextId(), { time: heard(), data: { ...order, subject, rowId: rowIds.next() } }),
        ),
      )
  }

  const sellerEvent = (): StoredEvent => {
    const sellerId = random.pick(SELLERS)
    const at = { time: heard() }
    const seller = { channel: 1, sellerId }
    const time = START + random.from(0, 30) * 60_000
    const dice = random.from(1, 4)
    // Without any consent, once in some hundred runs, there would be no row of a seller to compare.
    const kind = isFirstSeller ? 4 : dice
    isFirstSeller = false
    switch (kind) {
      case 1:
        return encodeEvent(
          exampleEvent('SellerConfigured', nextId(), { ...at, data: { ...seller, spiServerCodes: [`code ${made}`] } }),
        )
      case 2:
        return encodeEvent(exampleEvent('SellerTokenRotated', nextId(), { ...at, data: { ...seller, rotatedTime: time } }))
      case 3:
        return encodeEvent(exampleEvent('SellerDeauthorized', nextId(), { ...at, data: { ...seller, deauthorizedTime: time } }))
      default: {
        const rowId = sellerRowIds.get(sellerId) ?? 1
        const data = { ...seller, rowId, authorizedTime: time, spiServerCodes: null }
        return encodeEvent(exampleEvent('SellerAuthorized', nextId(), { ...at, data }))
      }
    }
  }

  return {
    /** What the log would get next. */
    next: async (): Promise<StoredEvent[]> => {
      const dice = random.from(1, 20)
      if (dice === 1) return erasure()
      if (dice < 5) return [sellerEvent()]
      return [await snapshot()]
    },
    sellerKey: (number: number) => sellerKey(1, SELLERS[number] ?? ''),
    erased,
  }
}
