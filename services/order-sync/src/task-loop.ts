import { startWorkLoop, type WorkLoop } from '@tributary/runtime'

/** How long a statement may wait for a lock at the server, whose connection is long gone, and the first wait for that, milliseconds. */
const LATEST = 60_000
const SOONEST = 1_000

/**
 * Works on claimed tasks beside each other, `most` at a time, until it is stopped, which waits for those in hand. `claim`
 * hears what is in hand and answers the next, or undefined when there is none. `prepare` is called before each look.
 *
 * The answer to a claim can be lost, and so can the end of one: the row is ours then, and in nobody's hand. After an error of
 * either kind `release` ends our claims on all but what is in hand, and only then is anything claimed again. A claim whose connection
 * broke may also be done later than that, so it is released again in the next minute, each time after twice as long.
 */
export function startTaskLoop<Task extends object>(options: {
  most: number
  prepare?(): Promise<void>
  claim(inHand: readonly Task[]): Promise<Task | undefined>
  release(inHand: readonly Task[]): Promise<void>
  handle(task: Task, signal: AbortSignal): Promise<void>
  /** `handle` threw: the task is released at the next look. */
  lost(task: Task, error: unknown): void
  /** `prepare`, `claim` or `release` threw; the next look comes by itself. */
  failed(error: unknown): void
  idle: { shortest: number; longest: number }
}): WorkLoop {
  const { most, claim, release, handle, lost, failed, idle } = options
  const inHand = new Map<Task, Promise<void>>()
  /** By the clock that only runs forward: the last error, and when to release because of it. */
  let troubleTime = 0
  let releaseTime = Number.POSITIVE_INFINITY

  async function turn(signal: AbortSignal): Promise<boolean> {
    await options.prepare?.()
    if (inHand.size >= most) return false
    const task = await claimNext()
    if (!task) return false
    const work = handle(task, signal).then(
      () => done(task),
      (error: unknown) => {
        lost(task, error)
        noteTrouble()
        done(task)
      },
    )
    inHand.set(task, work)
    return true
  }

  async function claimNext(): Promise<Task | undefined> {
    try {
      if (performance.now() >= releaseTime) await releaseOthers()
      return await claim([...inHand.keys()])
    } catch (error) {
      noteTrouble()
      throw error
    }
  }

  async function releaseOthers(): Promise<void> {
    const passed = performance.now() - troubleTime
    releaseTime = passed < LATEST ? performance.now() + Math.max(SOONEST, passed) : Number.POSITIVE_INFINITY
    await release([...inHand.keys()])
  }

  function noteTrouble(): void {
    troubleTime = performance.now()
    releaseTime = troubleTime
  }

  function done(task: Task): void {
    inHand.delete(task)
    loop.wake()
  }

  const loop = startWorkLoop({ turn, failed, idle })
  return {
    wake: loop.wake,
    async stop() {
      await loop.stop()
      await Promise.all(inHand.values())
    },
  }
}
