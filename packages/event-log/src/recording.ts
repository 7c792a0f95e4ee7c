import type { Position } from './port.ts'

/** Where an event stands that we have sent. */
export type Recorded = { id: string; partition: number; position: Position }

/** Places that are no append's to wait for; beyond so many, appends wait until they are written. */
const MOST_WAITING = 2_000
/** Without a next append, what waits is written so much later, milliseconds. */
const IDLE = 10

export type Recording = {
  /** Takes places to be written soon. */
  add(places: readonly Recorded[]): void
  /** Now is a good moment: the database has just answered an append, which goes on elsewhere. */
  begin(): void
  /** Resolves at once unless too many wait. */
  room(): Promise<void>
  /** Resolves when all that was taken is written, or given up. */
  done(): Promise<void>
}

/**
 * Writes places while appends go on. A write beside the claim of the next append would make that slower, for which its caller
 * waits; beside the sending, for which the database has nothing to do, it costs no time. One is under way at a time, and
 * what comes meanwhile shares the next. `write` must not throw.
 */
export function createRecording(write: (places: readonly Recorded[]) => Promise<void>): Recording {
  let waiting: Recorded[] = []
  let writing: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined

  function begin(): void {
    if (writing || waiting.length === 0) return
    clearTimeout(timer)
    timer = undefined
    const places = waiting
    waiting = []
    writing = write(places).finally(() => {
      writing = undefined
      if (waiting.length > 0) beginLater()
    })
  }

  function beginLater(): void {
    timer ??= setTimeout(() => {
      timer = undefined
      begin()
    }, IDLE)
  }

  async function done(): Promise<void> {
    for (begin(); writing; begin()) await writing
  }

  return {
    begin,
    done,
    add(places) {
      waiting.push(...places)
      beginLater()
    },
    async room() {
      if (waiting.length > MOST_WAITING) await done()
    },
  }
}
