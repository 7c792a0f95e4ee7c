import { setTimeout as wait } from 'node:timers/promises'
import type { Endpoint, Target } from '../../endpoint.ts'
import type { MemoryDatabase } from '../memory-rows.ts'
import type { Process, World } from './world.ts'

/** A person pauses the endpoint now and then, and resumes it. */
export async function pauseAtTimes(world: World, process: Process, endpoint: Endpoint, target: Target): Promise<void> {
  const { random, history } = world
  if (world.danger === 0 || !random.chance(0.3)) return
  await wait(random.from(0, 10))
  endpoint.retarget({ problem: 'paused' })
  history.pauses += 1
  await wait(random.from(0, 10))
  if (!process.isDead) endpoint.retarget(target)
}

/** A person gives up heads of lanes, whatever their owner is just doing with them. */
export async function skipAtTimes(world: World, process: Process): Promise<void> {
  const { random, parts, history } = world
  if (world.danger === 0 || !random.chance(0.5)) return
  for (let times = random.from(1, 4); times > 0; times -= 1) {
    await wait(random.from(0, 5))
    if (process.isDead || world.danger === 0) return
    for (const { database } of parts)
      await database.transaction(async (_, state) => {
        const [lane] = state.lanes.values()
        if (!lane) return
        state.lanes.set(lane.key, { ...lane, state: 'skipped', reason: 'skipped', nextTime: 0 })
        history.skips += 1
      })
  }
}

/** What a person does about blocked lanes. */
export async function resumeBlocked(database: MemoryDatabase): Promise<void> {
  if (![...database.state.lanes.values()].some(({ state }) => state === 'blocked')) return
  await database.transaction(async (_, state) => {
    for (const lane of state.lanes.values()) {
      if (lane.state === 'blocked') state.lanes.set(lane.key, { ...lane, state: 'retrying', failures: 0, nextTime: 0 })
    }
  })
}
