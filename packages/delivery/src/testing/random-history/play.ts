import { setTimeout as wait } from 'node:timers/promises'
import { live } from './life.ts'
import { resumeBlocked } from './people.ts'
import { createWorld, type History, type Part, type World } from './world.ts'

/** Plays the history of a seed to its calm end. Throws when that does not come. */
export async function playHistory(seed: number): Promise<History> {
  const world = createWorld(seed)
  const { random, history } = world
  for (let life = random.from(0, 4); life > 0; life -= 1) await live(world, (process) => process.over)
  world.trouble = 0
  world.danger = 0
  await live(world, () => untilCalm(world))
  for (const process of world.processes) process.stopping.abort(new Error('the end'))
  for (const part of world.parts) judge(part, history)
  return history
}

async function untilCalm({ parts }: World): Promise<void> {
  for (let patience = 0; patience < 6_000; patience += 1) {
    if (parts.every(isCalm)) return
    await Promise.all(parts.map(({ database }) => resumeBlocked(database)))
    await wait(1)
  }
  const told = parts.map(({ database: { state }, events, taken }) => {
    const { cursor, lanes, waiting } = state
    return `cursor ${cursor} of ${events.length}, taken ${taken.length}, ${lanes.size} lanes, ${waiting.size} with waiting`
  })
  throw new Error(`No calm: ${told.join('; ')}.`)
}

const isCalm = ({ database: { state }, events }: Part): boolean =>
  state.cursor === events.length && state.lanes.size === 0 && state.waiting.size === 0

/** What was given up is neither lost nor out of order when it comes late, from a process that knew nothing of it. */
function judge({ database, events, taken }: Part, history: History): void {
  const givenUp = new Set(database.state.deadLetters)
  const highest = new Map<string, number>()
  for (const position of taken) {
    if (givenUp.has(position)) continue
    const partitionKey = events[position]?.event.partitionkey ?? ''
    if (position < (highest.get(partitionKey) ?? -1)) history.inversions += 1
    highest.set(partitionKey, Math.max(position, highest.get(partitionKey) ?? -1))
  }
  history.givenUp += givenUp.size
  history.lost += events.filter(({ position }) => !taken.includes(position) && !givenUp.has(position)).length
}
