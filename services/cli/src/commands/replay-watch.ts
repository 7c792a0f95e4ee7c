import type { Database } from '@tributary/database'
import { listDeliveries, readEndpointStates, readReplayProgress } from '@tributary/delivery'
import { pause } from '@tributary/runtime'
import { printable, printLine } from '../output.ts'
import { createProgressBar, type Output } from '../progress-bar.ts'
import type { LogAccess } from '../setting-up.ts'

/** Milliseconds between two looks at how far a replay is. */
const LOOK_EVERY = 500
/** A replay that has not moved for so long, milliseconds, is said to stand still. */
const STILL_AFTER = 2_000
/** An endpoint that fails is tried at least so often, milliseconds, where a dispatcher runs. */
const PROBED_WITHIN = 60_000

/**
 * Shows how far the dispatchers are with a replay, and why when it does not move. Ctrl-C ends the showing, not the replay. Throws
 * DatabaseError.
 */
export async function watchReplay(
  { database, signal }: Pick<LogAccess, 'database' | 'signal'>,
  endpoint: string,
  output?: Output,
): Promise<void> {
  const bar = createProgressBar({ label: `replay ${endpoint}`, unit: 'positions', ...(output ? { output } : {}) })
  const isStill = createStandstill()
  let said: string | undefined
  const sayOnce = (reason: string) => {
    if (reason !== said) bar.say(`${reason} Ctrl-C ends this command, not the replay.`)
    said = reason
  }
  for (;;) {
    const progress = await readReplayProgress(database, endpoint)
    if (!progress) break
    const note = isStill(progress.done) ? 'stands still' : ''
    bar.update({ ...progress, note })
    if (progress.done >= progress.total || signal.aborted) break
    if (note !== '') sayOnce(await reasonOf(database, endpoint))
    await pause(LOOK_EVERY, signal)
  }
  bar.end()
  printLine(
    signal.aborted ? 'The replay goes on without this command.' : 'Everything of the range was sent, or waits in a lane.',
  )
}

/** Answers whether what it is told has been the same for a while. */
function createStandstill(): (done: number) => boolean {
  let moved = { done: -1, time: 0 }
  return (done) => {
    if (done !== moved.done) moved = { done, time: performance.now() }
    return performance.now() - moved.time >= STILL_AFTER
  }
}

/** Why nothing of a replay moves, as far as the tables tell it. */
async function reasonOf(database: Database, endpoint: string): Promise<string> {
  const decided = (await readEndpointStates(database)).get(endpoint)
  if (decided && decided.state !== 'active')
    return `${endpoint} is ${decided.state} (${printable(decided.reason)}): the replay waits for tributary endpoint resume.`
  const [latest] = await listDeliveries(database, { endpoints: [endpoint], limit: 1, since: Date.now() - PROBED_WITHIN })
  if (latest && latest.outcome !== 'delivered')
    return `The latest try of ${endpoint} was ${latest.outcome} (${printable(latest.reason)}): the replay goes on once it takes what it gets.`
  return `No dispatcher moves it. Does one run? See: tributary endpoint list.`
}
