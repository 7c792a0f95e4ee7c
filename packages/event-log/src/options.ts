import type { Database } from '@tributary/database'
import type { Logger } from '@tributary/runtime'

/** What `openEventLog` needs to know. */
export type EventLogOptions = {
  /** Its scheme chooses the driver; known is `mysql://user:password@host:port/database`. */
  url: string
  /** A pool on the same address, to share instead of opening one. It is not closed with the log. */
  database?: Database
  /** How many partitions a topic gets when it is made; one that exists keeps its own. */
  partitions: number
  logger?: Logger
  /** How long a silent member of a group keeps its partitions, in milliseconds, default 10,000. Tests shorten it. */
  lease?: number
}
