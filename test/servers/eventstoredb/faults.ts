/** What a test may break. Whatever goes through TCP it breaks with a relay instead (relay.ts). */
export type Faults = {
  /**
   * The next append to a stream whose name begins so fails: `before` the server has done anything, `after` it has kept the
   * events and before the client hears of that, or `late`, so that it keeps them only when the next append to that stream
   * comes.
   */
  breakAppend(when: AppendFault, prefix: string): void
  /** Subscriptions that are open get nothing any more, without a word; new ones work. */
  stallSubscriptions(): void
  /** Ends open subscriptions as a server does that goes down. */
  dropSubscriptions(): void
  /** How many subscriptions are open, stalled ones included, and how many were ever opened. */
  subscriptions(): { open: number; ever: number }
  nextAppend(stream: string): AppendFault | undefined
  enter(subscription: Subscription): () => void
}

export type AppendFault = 'before' | 'after' | 'late'

export type Subscription = { stalled: boolean; drop(): void }

export function createFaults(): Faults {
  const due: { when: AppendFault; prefix: string }[] = []
  const open = new Set<Subscription>()
  let ever = 0
  return {
    breakAppend: (when, prefix) => void due.push({ when, prefix }),
    stallSubscriptions() {
      for (const subscription of open) subscription.stalled = true
    },
    dropSubscriptions() {
      for (const subscription of [...open]) subscription.drop()
    },
    subscriptions: () => ({ open: open.size, ever }),
    nextAppend(stream) {
      const index = due.findIndex(({ prefix }) => stream.startsWith(prefix))
      return index === -1 ? undefined : due.splice(index, 1)[0]?.when
    },
    enter(subscription) {
      open.add(subscription)
      ever += 1
      return () => open.delete(subscription)
    },
  }
}
