import type { KeyOwner, Outcome, PartitionReplay, ReplayCount } from '@tributary/delivery'
import type { Topic } from '@tributary/events'

/** An endpoint as `eg_spi` or the configuration names it now. */
export type Endpoint = { name: string; topic: Topic; owner: KeyOwner }

/** A moment, milliseconds since 1970, or a position that counts in every partition. */
export type ReplayPlace = { kind: 'time'; time: number } | { kind: 'position'; position: number }

/** What the API asks of the part that knows the endpoints; the process that puts the services together hands it over. */
export type Endpoints = {
  list(): Promise<readonly Endpoint[]>
  /** Sends one message that is marked as a test. */
  test(
    name: string,
    signal: AbortSignal,
  ): Promise<{ kind: 'unknown' } | { kind: 'unready'; problem: string } | { kind: 'sent'; outcome: Outcome }>
  /** What an endpoint would get again, by partition. */
  planReplay(
    endpoint: Pick<Endpoint, 'name' | 'topic'>,
    range: { from: ReplayPlace; to?: ReplayPlace; key?: string },
  ): Promise<PartitionReplay[]>
  /**
   * How much that is; undefined when the endpoint is not known any more. `seconds` is null when nothing tells the pace.
   * Throws the reason of `signal`.
   */
  countReplay(
    name: string,
    plan: readonly PartitionReplay[],
    signal: AbortSignal,
  ): Promise<(ReplayCount & { seconds: number | null }) | undefined>
}
