import type { Database } from '@tributary/database'
import type { Logger } from '@tributary/runtime'

/** What `openEventLog` needs to know. */
export type EventLogOptions = {
  /**
   * Its scheme chooses the driver: `mysql://user:password@host:port/database`, `kafka://host:port` (kafka/url.ts), or
   * `eventstoredb://host:port` (eventstoredb/url.ts).
   */
  url: string
  /**
   * For `mysql://` a pool on the same address, to share instead of opening one. A log elsewhere needs it, for event ids and
   * for who reads which partition. It is not closed with the log.
   */
  database?: Database
  /** How many partitions a topic gets when it is made; one that exists keeps its own. */
  partitions: number
  logger?: Logger
  /** How long a silent member of a group keeps its partitions, in milliseconds, default 10,000. Tests shorten it. */
  lease?: number
}
