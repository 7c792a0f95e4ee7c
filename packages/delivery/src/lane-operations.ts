import type { Connection, WriteResult } from '@tributary/database'
import type { Lane } from './lane.ts'

/**
 * Starts the schedule of a blocked lane anew; whoever owns its partition sees that within seconds and tries its head.
 * Answers how many lanes were blocked and are resumed: those of one key, or all of the endpoint.
 */
export async function resumeLanes(connection: Connection, endpoint: string, key?: string): Promise<number> {
  const { affectedRows } = await connection.query<WriteResult>(
    `UPDATE tributary_delivery_lane SET state = 'retrying', failures = 0, next_time = ?
     WHERE endpoint = ? AND state = 'blocked'${key === undefined ? '' : ' AND event_key = ?'}`,
    [Date.now(), endpoint, ...(key === undefined ? [] : [key])],
  )
  return affectedRows
}

/** The lanes of an endpoint on all partitions. `oldestSince` in milliseconds since 1970, undefined without lanes. */
export type LaneCounts = { retrying: number; blocked: number; waiting: number; oldestSince: number | undefined }

/** How many keys of an endpoint are in trouble, and how many events wait behind them. Throws DatabaseError. */
export async function countLanes(connection: Connection, endpoint: string): Promise<LaneCounts> {
  const states = await connection.query<{ state: Lane['state']; lanes: number; since: number }[]>(
    'SELECT state, COUNT(*) AS lanes, MIN(since) AS since FROM tributary_delivery_lane WHERE endpoint = ? GROUP BY state',
    [endpoint],
  )
  const [waiting] = await connection.query<{ waiting: number }[]>(
    'SELECT COUNT(*) AS waiting FROM tributary_delivery_waiting WHERE endpoint = ?',
    [endpoint],
  )
  const lanesIn = (state: Lane['state']) => states.find((row) => row.state === state)?.lanes ?? 0
  const oldestSince = states.length === 0 ? undefined : Math.min(...states.map(({ since }) => since))
  return { retrying: lanesIn('retrying'), blocked: lanesIn('blocked'), waiting: waiting?.waiting ?? 0, oldestSince }
}
