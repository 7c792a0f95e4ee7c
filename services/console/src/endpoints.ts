import type { KeyOwner, Outcome, PartitionReplay, ReplayCount } from '@tributary/delivery'
import type { Topic } from '@tributary/events'

/** A moment, milliseconds since 1970, or a position that counts in every partition. */
export type ReplayPlace = { kind: 'time'; time: number } | { kind: 'position'; position: number }

/** An endpoint as `eg_spi` or the configuration names it now, with what can be asked of it. */
export type Endpoint = {
  name: string
  topic: Topic
  owner: KeyOwner
  /** Sends one message that is marked as a test; `unready` when nothing can be sent to it. */
  test(signal: AbortSignal): Promise<{ kind: 'unready'; problem: string } | { kind: 'sent'; outcome: Outcome }>
  /** What it would get again, by partition. */
  planReplay(range: { from: ReplayPlace; to?: ReplayPlace; key?: string }): Promise<PartitionReplay[]>
  /** How much that is, or that it is at least `most`. `seconds` is null when nothing tells the pace. Throws the reason of `signal`. */
  countReplay(
    plan: readonly PartitionReplay[],
    options: { signal: AbortSignal; most?: number },
  ): Promise<ReplayCount & { seconds: number | null }>
}

/** Asks the part that knows the endpoints; the process that puts the services together hands it over. */
export type Endpoints = () => Promise<readonly Endpoint[]>
