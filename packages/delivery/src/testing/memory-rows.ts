import type { Connection } from '@tributary/database'
import type { Attempt } from '../attempt.ts'
import type { Lane } from '../lane.ts'
import type { LaneRows } from '../lane-rows.ts'

/** The rows of one endpoint on one partition, with the cursor that fences them. */
export type MemoryState = {
  epoch: number
  cursor: number
  lanes: Map<string, Lane>
  waiting: Map<string, number[]>
  attempts: Attempt[]
  deadLetters: number[]
}

/** A table space in memory with transactions one after another, for what MySQL would be too slow for. */
export type MemoryDatabase = {
  /** As last committed. */
  state: MemoryState
  /** Runs `work` on a copy, which becomes the state when it resolves. */
  transaction<T>(work: (connection: Connection, state: MemoryState) => Promise<T>): Promise<T>
}

/** What each open transaction works on; the rows of every database find their own here. */
const open = new WeakMap<Connection, MemoryState>()

function stateOf(connection: Connection): MemoryState {
  const state = open.get(connection)
  if (!state) throw new Error('A connection was used outside its transaction.')
  return state
}

export function createMemoryDatabase(): MemoryDatabase {
  let tail: Promise<unknown> = Promise.resolve()
  const database: MemoryDatabase = {
    state: { epoch: 0, cursor: 0, lanes: new Map(), waiting: new Map(), attempts: [], deadLetters: [] },
    transaction(work) {
      const turn = tail.then(async () => {
        const connection: Connection = { query: () => Promise.reject(new Error('There is no SQL here.')) }
        const copy = copyOf(database.state)
        open.set(connection, copy)
        const answer = await work(connection, copy)
        open.delete(connection)
        database.state = copy
        return answer
      })
      tail = turn.catch(() => {})
      return turn
    },
  }
  return database
}

const copyOf = (state: MemoryState): MemoryState => ({
  ...state,
  lanes: new Map(state.lanes),
  waiting: new Map([...state.waiting].map(([key, positions]) => [key, [...positions]])),
  attempts: [...state.attempts],
  deadLetters: [...state.deadLetters],
})

/** As strict as the tables: a row that is there already is refused. */
export const memoryRows: LaneRows = {
  async load(connection) {
    const { lanes, waiting } = stateOf(connection)
    return [...lanes.values()].map((lane) => {
      const behind = waiting.get(lane.key) ?? []
      return { lane, waiting: behind.length, last: Math.max(lane.head, ...behind) }
    })
  },
  async aside(connection) {
    const { lanes, waiting } = stateOf(connection)
    const rows = [...waiting].flatMap(([key, positions]) => positions.map((position) => ({ key, position })))
    return { lanes: [...lanes.values()], waiting: rows }
  },
  async clear(connection) {
    const { lanes, waiting } = stateOf(connection)
    lanes.clear()
    waiting.clear()
  },
  async insertLanes(connection, inserted) {
    const { lanes } = stateOf(connection)
    for (const { item: lane } of inserted) {
      if (lanes.has(lane.key)) throw new Error(`The lane of ${lane.key} is there already.`)
      lanes.set(lane.key, lane)
    }
  },
  async insertWaiting(connection, inserted) {
    const { waiting } = stateOf(connection)
    for (const {
      item: { key, position },
    } of inserted) {
      const positions = waiting.get(key) ?? []
      if (positions.includes(position)) throw new Error(`Position ${position} of ${key} waits already.`)
      waiting.set(
        key,
        [...positions, position].sort((a, b) => a - b),
      )
    }
  },
  async insertAttempts(connection, attempts) {
    stateOf(connection).attempts.push(...attempts.map(({ item }) => item))
  },
  async insertDeadLetter(connection, _place, { position }) {
    stateOf(connection).deadLetters.push(position)
  },
  replay: async () => undefined,
  routing: async () => ({ floor: 0, wanted: new Set() }),
  writeRoutings: async () => {},
  find: async (connection, _place, key) => stateOf(connection).lanes.get(key),
  async update(connection, _place, lane) {
    stateOf(connection).lanes.set(lane.key, lane)
  },
  async end(connection, _place, key) {
    stateOf(connection).lanes.delete(key)
  },
  firstWaiting: async (connection, _place, key) => stateOf(connection).waiting.get(key)?.[0],
  async deleteWaiting(connection, _place, { key, position }) {
    const { waiting } = stateOf(connection)
    const left = (waiting.get(key) ?? []).filter((other) => other !== position)
    if (left.length === 0) waiting.delete(key)
    else waiting.set(key, left)
  },
  async due(connection, _place, now) {
    const { lanes } = stateOf(connection)
    return [...lanes.values()].filter(({ state, nextTime }) => state !== 'blocked' && nextTime <= now)
  },
}
