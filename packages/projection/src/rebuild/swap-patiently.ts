import { pause } from '@tributary/runtime'
import { ProjectionError } from '../errors.ts'
import type { RebuildEvent } from './options.ts'

const MOST_SWAPS = 20
const SWAP_PAUSE = 1_000

/** Tries a swap again, twenty times, while others hold its tables; tells each time. Throws what `work` throws at last. */
export async function swapPatiently<T>(
  { signal, onEvent }: { signal: AbortSignal; onEvent?: (event: RebuildEvent) => void },
  work: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    signal.throwIfAborted()
    try {
      return await work()
    } catch (error) {
      const isBlocked = error instanceof ProjectionError && error.code === 'PROJECTION_SWAP_BLOCKED'
      if (!isBlocked || attempt >= MOST_SWAPS) throw error
      onEvent?.({ kind: 'swap-blocked', message: `${error.message} It is tried again.` })
    }
    await pause(SWAP_PAUSE, signal)
  }
}
