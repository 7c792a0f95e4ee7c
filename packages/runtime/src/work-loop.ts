import { pause } from './pause.ts'

export type WorkLoop = {
  /** There may be work: look now, and often for a little while. */
  wake(): void
  /** Resolves when the turn in hand has ended. */
  stop(): Promise<void>
}

/**
 * Takes one turn after another: at once while turns find work, else after a wait that grows from `shortest` to `longest`
 * and that `wake` cuts short. A turn that fails is reported and tried again like one that found nothing.
 */
export function startWorkLoop(options: {
  turn(signal: AbortSignal): Promise<boolean>
  failed(error: unknown): void
  idle: { shortest: number; longest: number }
}): WorkLoop {
  const { shortest, longest } = options.idle
  const stopping = new AbortController()
  let waiting = new AbortController()
  let wait = shortest

  async function turn(): Promise<boolean> {
    try {
      return await options.turn(stopping.signal)
    } catch (error) {
      if (!stopping.signal.aborted) options.failed(error)
      return false
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      // Made before the turn, so that a wake during the turn is not lost.
      waiting = new AbortController()
      if (await turn()) {
        wait = shortest
        continue
      }
      await pause(wait, AbortSignal.any([stopping.signal, waiting.signal]))
      wait = waiting.signal.aborted ? shortest : Math.min(longest, wait * 2)
    }
  }

  // Not before the caller has the loop in hand, which its turns may want to wake.
  const running = Promise.resolve().then(run)
  return {
    wake: () => waiting.abort(),
    async stop() {
      stopping.abort()
      await running
    },
  }
}
