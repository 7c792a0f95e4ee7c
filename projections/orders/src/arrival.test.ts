import type { OrderLine, PersonalPart } from '@tributary/events'
import type { KeyState, OpenedEvent } from '@tributary/projection'
import { anOrderReceived, aPersonalDataErased, given } from '@tributary/projection/testing'
import { expect } from 'chai'
import fc from 'fast-check'
import { orders } from './index.ts'

const T = Date.UTC(2026, 10, 23, 9)
const word = fc.constantFrom('a', 'b', 'c')
const maybe = fc.option(word, { nil: undefined, freq: 2 })
const known = (fields: Record<string, string | undefined>) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))

const personal: fc.Arbitrary<PersonalPart | 'erased'> = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.record({
      buyer: fc
        .record({ id: maybe, name: maybe, email: maybe, remark: fc.oneof(maybe, fc.constant('r'.repeat(501))) })
        .map(known),
      receiver: fc.record({ addressLine1: maybe, addressLine2: maybe, city: maybe, postalCode: maybe }).map(known),
      original: fc.string(),
    }),
  },
  { weight: 1, arbitrary: fc.constant('erased' as const) },
)

const line: fc.Arbitrary<OrderLine> = fc.record({
  lineItemId: fc.constantFrom('1', '2', '3', 'constructor'),
  quantity: fc.integer({ min: 1, max: 3 }),
  title: fc.oneof(word, fc.constant('t'.repeat(256))),
  sku: word,
})

/** A history: snapshots with distinct source times, in the order of those, each with row ids of its own. */
const history = fc
  .array(
    fc.record({
      personal,
      status: fc.constantFrom('AWAITING_SHIPMENT', 'SHIPPED', 'UNKNOWN'),
      lines: fc.array(line, { maxLength: 4 }),
      linesComplete: fc.boolean(),
    }),
    { minLength: 1, maxLength: 5 },
  )
  .map((snapshots) =>
    snapshots.map(({ personal, status, lines, linesComplete }, index): OpenedEvent => {
      const base = 1000 * (index + 1)
      const ids = Object.fromEntries(['1', '2', '3', 'constructor'].map((item, at) => [item, base + 2 + at]))
      return anOrderReceived({
        data: { sourceTime: T + index, rowIds: { order: base, original: base + 1, lines: ids } },
        order: { status, lines, linesComplete, lastModifiedDate: `${index}`, digest: `${index}` },
        personal,
      })
    }),
  )

const foldAll = (events: readonly OpenedEvent[]): KeyState =>
  events.reduce<KeyState>((state, event) => orders.fold(state, event).state, {})

/** What must not depend on the order of arrival: ids give way to what they name, audit columns are left out. */
const meaning = (state: KeyState) => {
  const audit = /^(create|update)_/
  const items = new Map((state['eg_order_order_detail'] ?? []).map((row) => [String(row['id']), String(row['line_item_id'])]))
  const withoutIds = (text: string) => text.replaceAll(/"(\d{4})("|\.)/g, (_, id, end) => `"${items.get(id)}${end}`)
  return Object.entries(state).map(([table, rows]) => [
    table,
    rows
      .map((row) =>
        Object.fromEntries(
          Object.entries(row).flatMap(([column, value]) => {
            if (audit.test(column) || column === 'id' || (column === 'order_id' && typeof value === 'number')) return []
            if (column === 'deleted') return [[column, value !== 0]]
            if (column === 'facts') {
              const facts = JSON.parse(withoutIds(String(value)))
              return [[column, { ...facts, cut: facts.cut?.sort() }]]
            }
            return [[column, value]]
          }),
        ),
      )
      .sort((one, other) => String(one['line_item_id']).localeCompare(String(other['line_item_id']))),
  ])
}

const historyInAnyOrder = history.chain((events) =>
  fc.tuple(fc.constant(events), fc.shuffledSubarray(events, { minLength: events.length })),
)

// fast-check prints the seed of a failure, and `{ seed, path }` as second argument of fc.assert repeats it.
describe('orders: whatever the order of arrival', () => {
  it('snapshots of distinct source times end in the same rows', () => {
    fc.assert(
      fc.property(historyInAnyOrder, ([events, shuffled]) => {
        expect(meaning(foldAll(shuffled))).to.deep.equal(meaning(foldAll(events)))
      }),
      { numRuns: 1000 },
    )
  })

  it('snapshots heard twice, at once or much later, change nothing more', () => {
    fc.assert(
      fc.property(historyInAnyOrder, fc.array(fc.nat()), ([, events], again) => {
        const once = foldAll(events)
        const late = again.flatMap((index) => events[index % events.length] ?? [])
        expect(late.reduce((state, event) => orders.fold(state, event).state, once)).to.equal(once)
        expect(foldAll(events.flatMap((event) => [event, event]))).to.deep.equal(once)
      }),
      { numRuns: 500 },
    )
  })

  it('an erasure anywhere leaves no personal value, and the same rows as an erasure elsewhere', () => {
    fc.assert(
      fc.property(historyInAnyOrder, fc.nat(), ([events, shuffled], where) => {
        const erased = aPersonalDataErased({ rowId: 1 })
        const state = foldAll(shuffled.toSpliced(where % (events.length + 1), 0, erased))
        const [order] = state['eg_order_order'] ?? []
        const personal = Object.entries(order ?? {}).filter(([column]) => /^(buyer|receiver)_/.test(column))
        expect(personal.filter(([, value]) => value !== '')).to.deep.equal([])
        expect(state['eg_order_order_original']?.[0]?.['original']).to.equal(null)
        expect(meaning(state)).to.deep.equal(meaning(foldAll([...events, erased])))
      }),
      { numRuns: 500 },
    )
  })

  it('a replay after the erasure, in which no seal opens any more, ends in the very same rows', () => {
    const atMinute = (events: readonly OpenedEvent[]) =>
      events.map((event, minute) => ({ ...event, time: new Date(T + minute * 60_000).toISOString() }) as OpenedEvent)
    fc.assert(
      fc.property(historyInAnyOrder, fc.nat(), ([events, shuffled], where) => {
        const erased = aPersonalDataErased({ rowId: 1 })
        const live = atMinute(shuffled.toSpliced(where % (events.length + 1), 0, erased))
        const replayed = live.map((event) =>
          event.type === 'OrderReceived' ? { ...event, personal: 'erased' as const } : event,
        )
        expect(foldAll(replayed)).to.deep.equal(foldAll(live))
      }),
      { numRuns: 500 },
    )
  })

  it('the fold changes none of its arguments and keeps the shape of its tables', () => {
    fc.assert(
      fc.property(historyInAnyOrder, ([, events]) => {
        given(orders, ...events).when(aPersonalDataErased({ rowId: 1 }), ...events)
      }),
      { numRuns: 50 },
    )
  })
})
