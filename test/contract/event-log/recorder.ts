import type { EventLog, Follower, Position, RecordedEvent } from '@tributary/event-log'

/** Where each partition is read on, shared by the members of a group, as cursors in a database are. */
export type Cursors = Map<number, Position>

/** A follower that writes down what it is told. */
export type Recorder = {
  follower: Follower
  /** Partitions it holds now. */
  held: Set<number>
  /** `assigned 3`, `batch 3`, `revoked 3`, in the order they began. */
  calls: string[]
  events: RecordedEvent[]
  /** The signal of each assignment, the newest last. */
  signals: { partition: number; signal: AbortSignal }[]
}

/** `onBatch` may block or throw; the cursor moves after it. */
export function createRecorder(cursors: Cursors, onBatch: (partition: number) => Promise<void> | void = () => {}): Recorder {
  const recorder: Recorder = {
    held: new Set(),
    calls: [],
    events: [],
    signals: [],
    follower: {
      assigned: async (partition, signal) => {
        recorder.calls.push(`assigned ${partition}`)
        recorder.held.add(partition)
        recorder.signals.push({ partition, signal })
        return cursors.get(partition) ?? 0
      },
      batch: async (partition, slice) => {
        recorder.calls.push(`batch ${partition}`)
        await onBatch(partition)
        recorder.events.push(...slice.events)
        cursors.set(partition, slice.next)
      },
      revoked: async (partition) => {
        recorder.calls.push(`revoked ${partition}`)
        recorder.held.delete(partition)
      },
    },
  }
  return recorder
}

/** A recorder that follows until `stop`, which resolves when the log has let it go. */
export type Member = Recorder & { stop(): Promise<void> }

export function join(
  log: EventLog,
  topic: string,
  recorder: Recorder,
  options: { group?: string; limit?: number } = {},
): Member {
  const controller = new AbortController()
  const { signal } = controller
  const following = log.follow({ topic, group: 'group', ...options, follower: recorder.follower, signal })
  return {
    ...recorder,
    stop: () => {
      controller.abort()
      return following
    },
  }
}

/** Counts of `assigned` and `revoked` for each partition, as `3: 2/2`. */
export function assignments({ calls }: Recorder): Map<number, { assigned: number; revoked: number }> {
  const counts = new Map<number, { assigned: number; revoked: number }>()
  for (const call of calls) {
    const [kind, partition] = call.split(' ')
    if (kind !== 'assigned' && kind !== 'revoked') continue
    const count = counts.get(Number(partition)) ?? { assigned: 0, revoked: 0 }
    count[kind] += 1
    counts.set(Number(partition), count)
  }
  return counts
}
