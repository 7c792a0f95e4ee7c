import type { Cell } from '@tributary/projection'

/**
 * What is known of a member or a department, each thing with the time at which it was said: seconds since 1970. The newest
 * counts, whenever it is heard; of equal times the one heard last.
 */
export type Facts = {
  /** By field of WeCom's. */
  fields: Record<string, [text: string, time: number]>
  /** Its id at WeCom; absent while nothing readable was heard. */
  id?: string
  alive: boolean
  aliveTime: number
  /** Of a member: pseudonyms of the departments it is in. */
  places: string[]
  placesTime: number
  /** Of a member: when it took the id that it has now. */
  renamedTime?: number
  /** Of a department: when it was last deleted. */
  deletedTime?: number
}

const BEFORE_ALL = -1

export const noFacts = (): Facts => ({
  fields: {},
  alive: false,
  aliveTime: BEFORE_ALL,
  places: [],
  placesTime: BEFORE_ALL,
})

/** Reads what `writeFacts` wrote. */
export const readFacts = (text: Cell): Facts => JSON.parse(String(text)) as Facts

/** The same text for the same facts, in whatever order they were heard. */
export const writeFacts = (facts: Facts): string =>
  JSON.stringify({
    fields: Object.fromEntries(Object.entries(facts.fields).sort(([one], [other]) => (one < other ? -1 : 1))),
    id: facts.id,
    alive: facts.alive,
    aliveTime: facts.aliveTime,
    places: facts.places.toSorted(),
    placesTime: facts.placesTime,
    renamedTime: facts.renamedTime,
    deletedTime: facts.deletedTime,
  } satisfies { [K in keyof Required<Facts>]: Facts[K] | undefined })

/** Takes a text that was said at `time`, unless a newer is known. */
export function hear(facts: Facts, field: string, text: string, time: number): void {
  const known = facts.fields[field]
  if (!known || time >= known[1]) facts.fields[field] = [text, time]
}

/** Takes that it lives, or does not, as of `time`. */
export function hearLife(facts: Facts, alive: boolean, time: number): void {
  if (time < facts.aliveTime) return
  facts.alive = alive
  facts.aliveTime = time
}

/** Adds all that another record of the same member knows better. */
export function merge(facts: Facts, other: Facts): void {
  for (const [field, [text, time]] of Object.entries(other.fields)) hear(facts, field, text, time)
  hearLife(facts, other.alive, other.aliveTime)
  if (other.placesTime >= facts.placesTime) {
    facts.places = other.places
    facts.placesTime = other.placesTime
  }
}

export const said = (facts: Facts, field: string): string | undefined => facts.fields[field]?.[0]
