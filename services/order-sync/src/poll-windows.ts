import type { ModifiedWindow } from '@tributary/channels'

/** A window with more orders than this is read in parts, so that a failure costs little and offsets stay small. */
const MOST_ORDERS = 1_000
/** How full the parts of a window are meant to be: orders are never spread evenly, and a part that is too full is cut and read anew. */
const FILLING = 0.8

type Reach = { now: number; margin: number; overlap: number; reachBack: number }

/** What to read next of a seller: from a little before its cursor, or from far back at first, to a little before now. */
export function nextWindow(cursorTime: number, { now, margin, overlap, reachBack }: Reach): ModifiedWindow {
  const to = now - margin
  const from = cursorTime === 0 ? to - reachBack : cursorTime - overlap
  return { from: Math.max(0, Math.min(from, to)), to }
}

/**
 * Whether a clock that was ahead has moved a cursor to where nothing can have been read: whoever reads on from there when that time
 * comes leaves out what changed until then.
 */
export const isAhead = (cursorTime: number, { now, overlap }: Pick<Reach, 'now' | 'overlap'>): boolean =>
  cursorTime > now + overlap

/** Cuts a window that holds too many orders into parts that may each hold few enough, oldest first; itself when it is fine. */
export function splitWindow(window: ModifiedWindow, total: number | null, most: number = MOST_ORDERS): ModifiedWindow[] {
  const span = window.to - window.from + 1
  const parts = total === null || total <= most ? 1 : Math.min(Math.ceil(total / (most * FILLING)), span)
  if (parts === 1) return [window]
  const edge = (index: number) => window.from + Math.floor((span * index) / parts)
  return Array.from({ length: parts }, (_, index) => ({ from: edge(index), to: edge(index + 1) - 1 }))
}
