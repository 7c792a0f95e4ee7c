import type { Part } from './loop.ts'

/** The parts of a partition that wait to be applied, or are being applied. */
export type Ahead<P> = {
  /** Counts a part until it is `applied`, which comes in the order of the parts. */
  add(part: Part<P>, applied: Promise<void>): void
  /**
   * What is to be applied when the turn of a part has come: with it all that are prepared behind it, where several are applied
   * together. Undefined when it went with one before.
   */
  take(part: Part<P>): Part<P> | undefined
  /** Resolves when another part may be prepared: no more is ahead then than one full batch, or one part of any size. */
  room(): Promise<void>
}

/** `events` and `bytes` are those of a full batch; with no events there is room for one part. What is done in `prepare` and not written down yet is done again after a crash. */
export function createAhead<P>(full: { events: number; bytes: number; areJoined: boolean }): Ahead<P> {
  const ahead: { events: number; bytes: number; applied: Promise<void> }[] = []
  const waiting: Part<P>[] = []
  const sum = (of: 'events' | 'bytes') => ahead.reduce((total, part) => total + part[of], 0)
  return {
    add(part, applied) {
      const bytes = part.items.reduce((total, { recorded }) => total + recorded.event.data.length, 0)
      waiting.push(part)
      ahead.push({ events: part.items.length, bytes, applied })
      void applied.then(() => ahead.shift())
    },
    take(part) {
      if (waiting[0] !== part) return undefined
      const unprepared = waiting.findIndex(({ prepared }) => prepared === undefined)
      const prepared = unprepared < 0 ? waiting.length : unprepared
      return joined(waiting.splice(0, full.areJoined ? Math.max(1, prepared) : 1))
    },
    async room() {
      while (ahead.length > 1 && (sum('events') > full.events || sum('bytes') > full.bytes)) await ahead[0]?.applied
    },
  }
}

function joined<P>(parts: readonly Part<P>[]): Part<P> | undefined {
  const last = parts.at(-1)
  if (!last || parts.length === 1) return last
  const run = parts.flatMap(({ prepared }) => prepared?.run ?? [])
  const values = parts.flatMap(({ prepared }) => prepared?.values ?? [])
  return { items: parts.flatMap(({ items }) => items), to: last.to, left: last.left, prepared: { run, values } }
}
