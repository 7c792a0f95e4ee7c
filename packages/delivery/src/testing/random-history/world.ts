import { setImmediate as turn } from 'node:timers/promises'
import type { Delivered } from '@tributary/consumer'
import { derivedEventId, type Event } from '@tributary/events'
import { exampleEvent } from '@tributary/events/examples'
import { createRandom, type Random } from '@tributary/test/random'
import type { DeliveryPolicy } from '../../endpoint.ts'
import { createMemoryDatabase, type MemoryDatabase } from '../memory-rows.ts'

/**
 * One endpoint on two partitions, paused at times, a person who skips heads, a receiver that misbehaves, an order that is
 * changed, batches that are refused and come again in halves, and a process that dies, stalls or stops at any moment.
 */
export type History = {
  crashes: number
  zombies: number
  stops: number
  pauses: number
  skips: number
  refusals: number
  /** Processes that have another order than the one before. */
  reorders: number
  givenUp: number
  sends: number
  duplicates: number
  inversions: number
  lost: number
  repeated: number
}

/** A partition: its events, the endpoint's rows, and the positions in the order in which the receiver first took them. */
export type Part = {
  readonly number: number
  readonly database: MemoryDatabase
  readonly events: readonly Delivered[]
  readonly taken: number[]
}

export type World = {
  readonly random: Random
  readonly parts: readonly Part[]
  readonly exhausted: DeliveryPolicy['exhausted']
  /** Chance that a send goes wrong, and that a step of the database is the last of its process. */
  trouble: number
  danger: number
  readonly history: History
  readonly processes: Process[]
}

/** A process from its start to its end, or beyond: a zombie goes on while the next already lives. */
export type Process = {
  /** By partition. */
  readonly epochs: readonly number[]
  readonly stopping: AbortController
  /** In both the events of a key come one after another. */
  readonly order: 'key' | 'strict'
  /** Resolves when the process is dead, stalled, or told to stop. */
  readonly over: Promise<void>
  end(): void
  isDead: boolean
  /** Ids of the events of which it was told that they are delivered. */
  readonly told: Set<string>
  /** Requests and transactions until its fate comes. */
  steps: number
}

/** What is counted of a history, and summed over all. */
export const NOTHING_YET = {
  ...{ crashes: 0, zombies: 0, stops: 0, pauses: 0, skips: 0, refusals: 0, reorders: 0 },
  ...{ givenUp: 0, sends: 0, duplicates: 0 },
} satisfies Partial<History>

export function createWorld(seed: number): World {
  const random = createRandom(seed)
  const parts = [0, 1].map((number) => createPart(random, number))
  const history = { ...NOTHING_YET, inversions: 0, lost: 0, repeated: 0 }
  const trouble = random.from(0, 60) / 100
  const danger = random.from(1, 100) / 1_000
  const exhausted = (['block', 'skip', 'latest'] as const)[random.from(0, 2)] ?? 'block'
  return { random, parts, exhausted, trouble, danger, history, processes: [] }
}

/** Made once for all histories: to check an event against its schema takes longer than to deliver it. */
const examples = new Map<string, Event>()

function example(number: number, position: number): Event {
  const name = `${number} ${position}`
  const known = examples.get(name) ?? exampleEvent('OrderReceived', derivedEventId(name))
  examples.set(name, known)
  return known
}

function createPart(random: Random, number: number): Part {
  const keys = 1 + random.from(0, 2)
  const events = Array.from({ length: 2 + random.from(0, 7) }, (_, position): Delivered => {
    const event = {
      ...example(number, position),
      partitionkey: `key:${number}:${random.from(0, keys - 1)}`,
    }
    return { topic: 'orders', partition: number, position, recordedTime: 0, event }
  })
  return { number, database: createMemoryDatabase(), events, taken: [] }
}

export function placeOf({ parts }: World, id: string): { part: Part; position: number } {
  for (const part of parts) {
    const position = part.events.findIndex(({ event }) => event.id === id)
    if (position >= 0) return { part, position }
  }
  throw new Error(`Nobody knows the event ${id}.`)
}

export const dawdle = async ({ random }: World): Promise<void> => {
  for (let turns = random.from(0, 2); turns > 0; turns -= 1) await turn()
}

/** In work, not in time: how fast the machine is decides nothing. */
export function step({ danger }: World, process: Process): void {
  process.steps -= 1
  if (process.steps < 0 && danger > 0) process.end()
}

/** The process is dead: nothing that waits for this goes on. */
export function die(process: Process): never {
  process.isDead = true
  process.end()
  throw new Error('dead')
}
