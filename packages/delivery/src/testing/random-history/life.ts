import { setTimeout as wait } from 'node:timers/promises'
import { run } from './process.ts'
import type { Process, World } from './world.ts'

/** Milliseconds. */
const IDLE = 200

export async function live(world: World, until: (process: Process) => Promise<void>): Promise<void> {
  const { random, parts, history } = world
  const { promise, resolve } = Promise.withResolvers<void>()
  const epochs = await Promise.all(
    parts.map(({ database }) =>
      database.transaction(async (_, state) => {
        state.epoch += 1
        return state.epoch
      }),
    ),
  )
  const process: Process = {
    epochs,
    stopping: new AbortController(),
    order: random.chance(0.7) ? 'key' : 'strict',
    over: promise,
    end: resolve,
    isDead: false,
    told: new Set(),
    steps: random.from(0, 50),
  }
  const before = world.processes.at(-1)
  if (before && before.order !== process.order) history.reorders += 1
  world.processes.push(process)
  const running = run(world, process)
  // Where nothing happens any more, as when all is blocked, time ends it.
  if (world.danger > 0) void wait(IDLE).then(resolve)
  await Promise.race([until(process), running])
  const fate = world.danger === 0 ? 0 : random.from(0, 2)
  if (process.isDead || fate === 1) {
    process.isDead = true
    process.stopping.abort(new Error('dead'))
    history.crashes += 1
  } else if (fate === 2) {
    // It does not know yet that its time is over.
    history.zombies += 1
  } else {
    process.stopping.abort(new Error('stop'))
    await running
    history.stops += 1
  }
}
