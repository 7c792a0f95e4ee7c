import type { Connection } from '@tributary/database'

/** A key of an endpoint that is in trouble, as an operator sees it. Times in milliseconds since 1970. */
export type LaneFigures = {
  endpoint: string
  partition: number
  key: string
  state: 'retrying' | 'blocked'
  /** Of the event at the head of the lane. */
  position: number
  attempts: number
  nextTime: number
  reason: string
  since: number
  /** Events behind the head. */
  waiting: number
}

/** The lanes of an endpoint, or of all, oldest first, at most `limit` (default 1000). Throws DatabaseError. */
export function listLanes(connection: Connection, options: { endpoint?: string; limit?: number } = {}): Promise<LaneFigures[]> {
  const { endpoint, limit = 1000 } = options
  return connection.query(
    `SELECT l.endpoint, l.partition_no AS \`partition\`, l.event_key AS \`key\`, l.state, l.head_position AS position, l.attempts,
       l.next_time AS nextTime, l.reason, l.since,
       (SELECT COUNT(*) FROM tributary_delivery_waiting w WHERE w.endpoint = l.endpoint AND w.topic = l.topic
          AND w.partition_no = l.partition_no AND w.event_key = l.event_key) AS waiting
     FROM tributary_delivery_lane l ${endpoint === undefined ? '' : 'WHERE l.endpoint = ?'}
     ORDER BY l.since, l.endpoint, l.event_key LIMIT ?`,
    [...(endpoint === undefined ? [] : [endpoint]), limit],
  )
}
