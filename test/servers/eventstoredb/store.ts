/** An event as a client proposes it. */
export type Proposed = { id: string; type: string; contentType: string; data: Uint8Array; metadata: Uint8Array }

/** An event as it stands in its stream and in `$all`. */
export type Stored = Proposed & {
  stream: string
  revision: number
  /** Commit position; grows with the bytes written, as on a disk. */
  position: number
  /** Milliseconds since 1970. */
  created: number
}

export type Expected = 'any' | 'no_stream' | 'stream_exists' | number

/** `current` is the stream's last revision, -1 for a stream that is not there. */
export type Outcome = { kind: 'kept'; revision: number; position: number } | { kind: 'wrong-expected'; current: number }

export type Store = {
  /** Every event in the order of commits: `$all`. */
  readonly all: readonly Stored[]
  stream(name: string): readonly Stored[]
  append(stream: string, expected: Expected, events: readonly Proposed[]): Outcome
  /** Calls `listener` after every append, until the answered function is called. */
  onAppend(listener: () => void): () => void
}

const RECORD_BYTES = 100
const NO_STREAM = -1

/**
 * Streams in memory, with the rules of EventStoreDB 23.10 and later for expected revisions and repeated event ids
 * (EventStore.Core, IndexWriter.CheckCommit): with an exact revision, the ids that stand behind it decide, for ever; with
 * `any` only those that the server remembers.
 */
export function createStore(): Store {
  const all: Stored[] = []
  const streams = new Map<string, Stored[]>()
  const remembered = new Map<string, Stored>()
  const listeners = new Set<() => void>()
  let position = 1_000

  /** What was kept of these events before: the last of them; `corrupted` when only the first ones were. */
  function earlier(stream: string, expected: Expected, events: readonly Proposed[]): Stored | 'new' | 'corrupted' {
    const standing = streams.get(stream) ?? []
    let last: Stored | undefined
    for (const [index, { id }] of events.entries()) {
      const found = typeof expected === 'number' ? standing[expected + 1 + index] : remembered.get(id)
      if (found?.id !== id || found.stream !== stream) return index === 0 ? 'new' : 'corrupted'
      last = found
    }
    return last ?? 'new'
  }

  function write(stream: string, events: readonly Proposed[]): Outcome {
    const standing = streams.get(stream) ?? []
    streams.set(stream, standing)
    for (const event of events) {
      const stored = { ...event, stream, revision: standing.length, position, created: Date.now() }
      position += RECORD_BYTES + event.data.length + event.metadata.length
      standing.push(stored)
      all.push(stored)
      remembered.set(event.id, stored)
    }
    for (const listener of [...listeners]) listener()
    return { kind: 'kept', revision: standing.length - 1, position: all.at(-1)?.position ?? 0 }
  }

  return {
    all,
    stream: (name) => streams.get(name) ?? [],
    append(stream, expected, events) {
      const current = (streams.get(stream)?.length ?? 0) - 1
      const wanted = expected === 'no_stream' ? NO_STREAM : expected
      if (wanted === current) return write(stream, events)
      if (isAhead(wanted, current)) return { kind: 'wrong-expected', current }
      const known = earlier(stream, wanted, events)
      if (known === 'new' && typeof wanted === 'string') return write(stream, events)
      if (known === 'new' || known === 'corrupted') return { kind: 'wrong-expected', current }
      return { kind: 'kept', revision: known.revision, position: known.position }
    },
    onAppend(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

/** More is expected than stands there. */
function isAhead(wanted: Expected, current: number): boolean {
  return typeof wanted === 'number' ? wanted > current : wanted === 'stream_exists' && current === NO_STREAM
}
