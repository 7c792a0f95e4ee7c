import { createSpareTime, type SpareTime } from './spare-time.ts'

/** How long an endpoint counts as at the head of its log after a batch behind which little was left, milliseconds. */
const RECENTLY = 2_000

/**
 * Events whose reading takes as long as one request. Most events of a log may be for others, and whoever has thousands of
 * them to pass over after a silence would keep the event loop as busy with that as with requests.
 */
const READ_AS_LONG = 4

/** Requests that take as long as one head of a lane, which is read, sent and written by itself: ten statements. */
const LANE_AS_LONG = 4

/** When endpoints of this process were at the head, by their names. */
const atHeadHere = new Map<string, number>()

/** There is one event loop in a process, and all who catch up in it share what others leave of it. */
const spareTime = createSpareTime()

/**
 * Catching up beside others. An endpoint that is behind would take whatever time the process and its database have, and each
 * step of an endpoint at the head would wait among its. So while another endpoint of the process is at the head, requests
 * of the one behind begin in the time that is left; alone, it takes all.
 */
export type CatchUp = {
  /** Notes that this endpoint is at the head. */
  noteAtHead(): void
  /** Whether another endpoint of the process is at the head. */
  isBesideOthers(): boolean
  /** This endpoint has no partition here any more, so nobody waits for its sake. */
  leave(): void
  /** Waits until a request of this endpoint, which is behind, may begin. Throws the signal's reason. */
  turn(signal: AbortSignal): Promise<void>
  /** Waits until the head of one of its lanes may be looked at. Throws the signal's reason. */
  lane(signal: AbortSignal): Promise<void>
  /** Waits until its next batch of so many events may be looked at. Throws the signal's reason. */
  batch(events: number, signal: AbortSignal): Promise<void>
}

/** Of the endpoint of this name. The clock, milliseconds that never jump, the others and the spare time are for tests. */
export function createCatchUp(
  endpoint: string,
  {
    now = () => performance.now(),
    spare = spareTime,
    lastAtHead = atHeadHere,
  }: { now?: () => number; spare?: SpareTime; lastAtHead?: Map<string, number> } = {},
): CatchUp {
  const isBesideOthers = (): boolean => {
    const since = now() - RECENTLY
    for (const [other, time] of lastAtHead) if (other !== endpoint && time >= since) return true
    return false
  }
  return {
    noteAtHead: () => void lastAtHead.set(endpoint, now()),
    isBesideOthers,
    leave: () => void lastAtHead.delete(endpoint),
    turn: async (signal) => {
      if (isBesideOthers()) await spare.turn(signal)
    },
    lane: async (signal) => {
      if (isBesideOthers()) await spare.turn(signal, LANE_AS_LONG)
    },
    batch: async (events, signal) => {
      if (isBesideOthers()) await spare.turn(signal, Math.ceil(events / READ_AS_LONG))
    },
  }
}
