import { startWorkLoop, type WorkLoop } from '@tributary/runtime'

/**
 * Works on claimed tasks beside each other, `most` at a time, until it is stopped, which waits for those in hand. `claim`
 * hears what is in hand and answers the next, or undefined when there is none. `prepare` is called before each look.
 */
export function startTaskLoop<Task extends object>(options: {
  most: number
  prepare?(): Promise<void>
  claim(inHand: readonly Task[]): Promise<Task | undefined>
  handle(task: Task, signal: AbortSignal): Promise<void>
  /** `handle` threw: the task keeps its claim until it runs out. */
  lost(task: Task, error: unknown): void
  /** `prepare` or `claim` threw; the next look comes by itself. */
  failed(error: unknown): void
  idle: { shortest: number; longest: number }
}): WorkLoop {
  const { most, claim, handle, lost, failed, idle } = options
  const inHand = new Map<Task, Promise<void>>()

  async function turn(signal: AbortSignal): Promise<boolean> {
    await options.prepare?.()
    if (inHand.size >= most) return false
    const task = await claim([...inHand.keys()])
    if (!task) return false
    const work = handle(task, signal)
      .catch((error: unknown) => lost(task, error))
      .finally(() => {
        inHand.delete(task)
        loop.wake()
      })
    inHand.set(task, work)
    return true
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
