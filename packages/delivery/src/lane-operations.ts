import type { Connection, WriteResult } from '@tributary/database'
import type { Lane } from './lane.ts'
import type { Delivery } from './place.ts'

/**
 * Starts the schedule of lanes anew that are blocked or wait for their next try; whoever owns their partition sees that
 * within seconds and tries their heads. Answers how many they were: those of one key, or of one head, or all of the endpoint.
 * Throws DatabaseError.
 */
export async function retryLanes(
  connection: Connection,
  endpoint: string,
  which: { key?: string; head?: Omit<Delivery, 'endpoint'> } = {},
): Promise<number> {
  const { key, head } = which
  const now = Date.now()
  const { affectedRows } = await connection.query<WriteResult>(
    `UPDATE tributary_delivery_lane SET state = 'retrying', failures = 0, next_time = ?
     WHERE endpoint = ? AND (state = 'blocked' OR (state = 'retrying' AND next_time > ?))
       ${key === undefined ? '' : 'AND event_key = ?'} ${head ? 'AND topic = ? AND partition_no = ? AND head_position = ?' : ''}`,
    [now, endpoint, now, ...(key === undefined ? [] : [key]), ...(head ? [head.topic, head.partition, head.position] : [])],
  )
  return affectedRows
}

/**
 * Gives up the head of a lane; its owner puts it among the dead letters within seconds, and goes on with what waits behind
 * it. Answers false when the delivery is no head of a lane. Throws DatabaseError.
 */
export async function skipHead(
  connection: Connection,
  { endpoint, topic, partition, position }: Delivery,
  reason: string,
): Promise<boolean> {
  const { affectedRows } = await connection.query<WriteResult>(
    `UPDATE tributary_delivery_lane SET state = 'skipped', reason = ?, next_time = ?
     WHERE endpoint = ? AND topic = ? AND partition_no = ? AND head_position = ?`,
    [`skipped: ${reason}`.slice(0, 100), Date.now(), endpoint, topic, partition, position],
  )
  return affectedRows > 0
}

/** The lanes of an endpoint on all partitions. `oldestSince` in milliseconds since 1970, undefined without lanes. */
export type LaneCounts = { retrying: number; blocked: number; waiting: number; oldestSince: number | undefined }

const NONE: LaneCounts = { retrying: 0, blocked: 0, waiting: 0, oldestSince: undefined }

/** How many keys of an endpoint are in trouble, and how many events wait behind them. Throws DatabaseError. */
export async function countLanes(connection: Connection, endpoint: string): Promise<LaneCounts> {
  return (await countLanesByEndpoint(connection, endpoint)).get(endpoint) ?? NONE
}

/** The same for every endpoint that has any, or for one. Throws DatabaseError. */
export async function countLanesByEndpoint(connection: Connection, endpoint?: string): Promise<Map<string, LaneCounts>> {
  const [condition, values] = endpoint === undefined ? ['', []] : ['WHERE endpoint = ?', [endpoint]]
  const [lanes, waiting] = await Promise.all([
    connection.query<{ endpoint: string; state: Lane['state']; lanes: number; since: number }[]>(
      `SELECT endpoint, state, COUNT(*) AS lanes, MIN(since) AS since FROM tributary_delivery_lane ${condition} GROUP BY endpoint, state`,
      values,
    ),
    connection.query<{ endpoint: string; waiting: number }[]>(
      `SELECT endpoint, COUNT(*) AS waiting FROM tributary_delivery_waiting ${condition} GROUP BY endpoint`,
      values,
    ),
  ])
  const waitingAt = new Map(waiting.map((row) => [row.endpoint, row.waiting]))
  const lanesAt = Map.groupBy(lanes, (row) => row.endpoint)
  return new Map(
    [...new Set([...lanesAt.keys(), ...waitingAt.keys()])].map((name): [string, LaneCounts] => {
      const states = lanesAt.get(name) ?? []
      const lanesIn = (state: Lane['state']) => states.find((row) => row.state === state)?.lanes ?? 0
      return [
        name,
        {
          ...{ retrying: lanesIn('retrying'), blocked: lanesIn('blocked'), waiting: waitingAt.get(name) ?? 0 },
          oldestSince: states.length === 0 ? undefined : Math.min(...states.map(({ since }) => since)),
        },
      ]
    }),
  )
}
