import type { Position, RecordedEvent, Slice } from '../port.ts'

type ReadOptions = { limit: number; maxBytes?: number }
type Read = (partition: number, from: Position, options: ReadOptions) => Promise<Slice>

/** What is kept of a partition at most. */
const MOST_EVENTS = 512
const MOST_BYTES = 1_024 * 1_024
/** Milliseconds after which a follower that asked for nothing more is not waited for: its receiver is down, say. */
const STANDS_STILL = 250

export type SharedReading = {
  join(): JoinedReading
  /** Takes consecutive events of a partition that this process has just written: nobody who is at the head has to read them. */
  add(partition: number, events: readonly RecordedEvent[]): void
}

/** The reading of one follower, until it leaves. */
export type JoinedReading = { read: Read; leave(): void }

/** Consecutive events of a partition: all that stand from `from` to before `next`. */
type Window = { from: Position; next: Position; events: RecordedEvent[]; bytes: number }

/** Where a follower asked last in a partition, and when. */
type Asked = { from: Position; time: number }

/**
 * One reading at the head of a log for all followers of a topic in a process, and none of what this process wrote. Who asks
 * for what another is just reading gets the same slice; who comes a little later finds it in a window of the events that were
 * read or written last, a window for each partition, bounded in number and bytes. Who is behind the window reads for itself and leaves it as it is. A log never
 * changes what it holds, so it makes no difference to a follower, except that it is given the same objects as others.
 *
 * What all who stand in the window have had is dropped at once. Kept until the window was full, two seconds of 2,000 events each, it was
 * half of what the collector moved among what is old, and to collect that stops the process. Who asked for nothing for a moment, because
 * its receiver is down or its partition went to another process, is not counted: it would keep the windows full.
 *
 * Only a server that dies may come back without events that it had shown and never acknowledged. So everything is forgotten
 * when a read fails, and when `troubles`, a count of what else failed, has grown. `now` is a clock in
 * milliseconds that never jumps.
 */
export function createSharedReading(
  read: Read,
  troubles: () => number,
  now: () => number = () => performance.now(),
): SharedReading {
  const windows = new Map<number, Window>()
  /** What each follower asked for last, by partition. */
  const followers = new Set<Map<number, Asked>>()
  const underWay = new Map<string, Promise<Slice>>()
  let age = 0
  let seenTroubles = troubles()

  const readNow = async (partition: number, from: Position, options: ReadOptions): Promise<Slice> => {
    const begun = age
    try {
      const slice = await read(partition, from, options)
      // What was asked for before everything was forgotten may be of before, too.
      if (begun === age) keep(windows, partition, from, slice)
      return slice
    } catch (error) {
      forget()
      throw error
    }
  }
  const forget = () => {
    age += 1
    windows.clear()
    underWay.clear()
  }
  const forgetAfterTroubles = () => {
    if (troubles() !== seenTroubles) forget()
    seenTroubles = troubles()
  }
  const dropPassed = (partition: number) => {
    const window = windows.get(partition)
    if (!window) return
    const since = now() - STANDS_STILL
    let needed = Number.POSITIVE_INFINITY
    for (const asked of followers) {
      const { from, time } = asked.get(partition) ?? NOWHERE
      if (from >= window.from && from < needed && time >= since) needed = from
    }
    if (needed < Number.POSITIVE_INFINITY) dropBefore(window, needed)
  }
  const readShared: Read = (partition, from, options) => {
    forgetAfterTroubles()
    dropPassed(partition)
    const known = sliceOf(windows.get(partition), from, options)
    if (known) return Promise.resolve(known)
    const name = `${partition} ${from} ${options.limit} ${options.maxBytes}`
    const same = underWay.get(name)
    if (same) return same
    const reading = readNow(partition, from, options)
    underWay.set(name, reading)
    const done = () => {
      if (underWay.get(name) === reading) underWay.delete(name)
    }
    reading.then(done, done)
    return reading
  }
  return {
    join() {
      const asked = new Map<number, Asked>()
      followers.add(asked)
      return {
        read(partition, from, options) {
          asked.set(partition, { from, time: now() })
          return readShared(partition, from, options)
        },
        leave: () => void followers.delete(asked),
      }
    },
    add: (partition, events) => {
      forgetAfterTroubles()
      const [first, last] = [events[0], events.at(-1)]
      if (!first || !last) return
      // Another event at the place of one of ours is of a server that has died since.
      const known = sliceOf(windows.get(partition), first.position, { limit: 1 })?.events[0]
      if (known && known.event.id !== first.event.id) forget()
      keep(windows, partition, first.position, { events: [...events], next: last.position + 1 })
    },
  }
}

const NOWHERE: Asked = { from: -1, time: 0 }

/** The part of a window from a position on, if that stands in it. */
function sliceOf(window: Window | undefined, from: Position, { limit, maxBytes }: ReadOptions): Slice | undefined {
  if (!window || from < window.from || from >= window.next) return undefined
  const first = window.events.findIndex(({ position }) => position >= from)
  // The rest of the window holds no event, as may be where positions have gaps.
  if (first < 0) return { events: [], next: window.next }
  const events: RecordedEvent[] = []
  let bytes = 0
  for (const recorded of window.events.slice(first, first + limit)) {
    bytes += recorded.event.data.length
    if (maxBytes !== undefined && bytes > maxBytes && events.length > 0) break
    events.push(recorded)
  }
  const isWhole = first + events.length === window.events.length
  const last = events.at(-1)
  return { events, next: isWhole || !last ? window.next : last.position + 1 }
}

/** Lets a window grow by what was read behind it, or begin anew with what was read farther ahead. */
function keep(windows: Map<number, Window>, partition: number, from: Position, { events, next }: Slice): void {
  if (next <= from) return
  const known = windows.get(partition)
  if (known && from < known.next) return
  const window = known && from === known.next ? known : { from, next: from, events: [], bytes: 0 }
  window.next = next
  for (const recorded of events) {
    window.events.push(recorded)
    window.bytes += recorded.event.data.length
  }
  shorten(window)
  windows.set(partition, window)
}

function shorten(window: Window): void {
  let dropped = 0
  let { bytes } = window
  while (window.events.length - dropped > MOST_EVENTS || (bytes > MOST_BYTES && window.events.length - dropped > 1)) {
    bytes -= window.events[dropped]?.event.data.length ?? 0
    dropped += 1
  }
  const last = window.events[dropped - 1]
  if (last) dropBefore(window, last.position + 1)
}

function dropBefore(window: Window, position: Position): void {
  const kept = window.events.findIndex((recorded) => recorded.position >= position)
  for (const { event } of window.events.splice(0, kept < 0 ? window.events.length : kept)) window.bytes -= event.data.length
  window.from = Math.min(position, window.next)
}
