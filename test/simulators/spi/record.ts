/** A well-signed request as it arrived. `taken` is false when the receiver answered that it did not take it. */
export type Arrival = {
  id: string
  key: string
  type: string
  time: number
  taken: boolean
  headers: Readonly<Record<string, string>>
  body: string
}

/** Everything that arrived at a receiver, by `webhook-id` and by order. */
export type DeliveryRecord = {
  add(arrival: Arrival): void
  /** Every arrival, in order. */
  readonly arrivals: readonly Arrival[]
  /** Whether a delivery was taken. */
  has(id: string): boolean
  /** Ids taken, each once. */
  readonly taken: number
  /** Arrivals of a delivery that had been taken before. */
  readonly duplicates: number
  /** Keys of which something was taken. */
  keys(): string[]
  /** The ids of a key in the order in which each was first taken. */
  firstTaken(key: string): readonly string[]
}

export function createRecord(): DeliveryRecord {
  const arrivals: Arrival[] = []
  const taken = new Set<string>()
  const byKey = new Map<string, string[]>()
  let duplicates = 0
  return {
    arrivals,
    get taken() {
      return taken.size
    },
    get duplicates() {
      return duplicates
    },
    add(arrival) {
      arrivals.push(arrival)
      if (taken.has(arrival.id)) duplicates += 1
      else if (arrival.taken) {
        taken.add(arrival.id)
        byKey.set(arrival.key, [...(byKey.get(arrival.key) ?? []), arrival.id])
      }
    },
    has: (id) => taken.has(id),
    keys: () => [...byKey.keys()],
    firstTaken: (key) => byKey.get(key) ?? [],
  }
}

/** How many ids come after one that should have come later. Ids that are missing are no inversions. */
export function inversions(seen: readonly string[], expected: readonly string[]): number {
  const rank = new Map(expected.map((id, index) => [id, index]))
  let highest = -1
  let count = 0
  for (const id of seen) {
    const place = rank.get(id) ?? -1
    if (place < highest) count += 1
    highest = Math.max(highest, place)
  }
  return count
}
