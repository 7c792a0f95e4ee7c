import { pause } from '@tributary/runtime'

/** How long somebody who stops waits for others to hear of it, in milliseconds. */
const FAREWELL = 2_000

/** Resolves when `telling` has ended, however it ended, or when it has taken too long: whoever goes cannot wait for ever. */
export async function withinFarewell(telling: Promise<unknown>): Promise<void> {
  const told = new AbortController()
  const heard = telling.catch(() => {}).finally(() => told.abort())
  await Promise.race([heard, pause(FAREWELL, told.signal)])
}
