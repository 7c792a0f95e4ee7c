import type { Call, SizedEvent } from './append-queue.ts'
import type { Appended } from './port.ts'

export type { Call } from './append-queue.ts'

/** The first of each id, in order. */
export function withoutRepeats(calls: readonly Call[]): SizedEvent[] {
  const first = new Map<string, SizedEvent>()
  for (const { events } of calls) {
    for (const sized of events) if (!first.has(sized.event.id)) first.set(sized.event.id, sized)
  }
  return [...first.values()]
}

/** Answers every call where its events stand; an id that several name was appended for the first of them. */
export function resolveCalls(calls: readonly Call[], places: ReadonlyMap<string, Appended>): void {
  const told = new Set<string>()
  for (const call of calls) {
    const answers: Appended[] = []
    for (const { event } of call.events) {
      const place = places.get(event.id)
      if (!place) throw new Error('An event of the batch was neither found nor written.')
      answers.push(told.has(event.id) ? { ...place, appended: false } : place)
      told.add(event.id)
    }
    call.resolve(answers)
  }
}
