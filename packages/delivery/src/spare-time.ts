import { performance } from 'node:perf_hooks'
import { waitInQueue } from './wait-in-queue.ts'

/** Milliseconds between two looks at how busy the event loop is; what may begin until the next begins at once. */
const TICK = 5
/**
 * How much of the time the event loop may be busy before less of this work begins. Measured on a slow machine, of another endpoint
 * at 500/s the slowest of twenty and of a hundred in ms, and what was caught up a second beside it, which should be 2,000:
 *   0.7   54 and 98   2,350   one round
 *   0.5   34 and 74   2,130   the middle one of three
 * With 0.3 and 0.4 and slices of 128 it was 1,940 to 2,060 a second, and others waited no less.
 */
const SHARE = 0.5
/** Of what may begin in a tick: so much even when others take all the time, so that it comes to its end one day. */
const LEAST = 4
const MOST = 64
/** How far one look may change it: a tick is short, and others' work comes in bursts. */
const DOWN = 0.8
const UP = 1.1

export type SpareTime = {
  /**
   * Waits until one more piece of work may begin, first come, first served; one as long as several `pieces` begins as soon as
   * there is room for one, and those behind it wait for all. Throws the signal's reason.
   */
  turn(signal: AbortSignal, pieces?: number): Promise<void>
}

/**
 * Work that takes the time of the event loop that other work leaves, as LEDBAT (RFC 6817) takes the bandwidth: how much of it
 * may begin in a tick follows how busy the loop was in the last. Work that waits for somebody else keeps no loop busy, so it
 * is not held back. `busyShare` answers which share of the time, 0 to 1, the loop was busy since it was asked before.
 */
export function createSpareTime(busyShare: () => number = loopBusyShare()): SpareTime {
  const waiting = new Set<() => void>()
  let allowance = LEAST
  /** Pieces that may begin before the next look; below zero when one was longer than what there was. */
  let left = 0
  let isArmed = false

  const look = () => {
    isArmed = false
    allowance = nextAllowance(allowance, busyShare())
    left = Math.floor(allowance) + Math.min(0, left)
    for (const begin of waiting) {
      if (left <= 0) break
      waiting.delete(begin)
      begin()
    }
    if (waiting.size > 0 || left < Math.floor(allowance)) arm()
  }
  const arm = () => {
    if (!isArmed) setTimeout(look, TICK)
    isArmed = true
  }
  return {
    turn: async (signal, pieces = 1) => {
      arm()
      if (left > 0) {
        signal.throwIfAborted()
        left -= pieces
        return
      }
      await waitInQueue<void>(signal, (resolve) => {
        const begin = () => {
          left -= pieces
          resolve()
        }
        waiting.add(begin)
        return () => void waiting.delete(begin)
      })
    },
  }
}

/** How much may begin in the next tick, when so much might in the last and the loop was busy for that share of it. */
export const nextAllowance = (allowance: number, busyShare: number): number =>
  Math.min(MOST, Math.max(LEAST, allowance * Math.min(UP, Math.max(DOWN, SHARE / Math.max(busyShare, 0.01)))))

function loopBusyShare(): () => number {
  let before = performance.eventLoopUtilization()
  return () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, before)
    before = now
    return utilization
  }
}
