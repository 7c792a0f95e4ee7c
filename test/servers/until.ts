import { setTimeout as wait } from 'node:timers/promises'

/** Asks every few milliseconds until the answer is true. Fails after `patience` milliseconds, saying what it waited for. */
export function until(what: string, condition: () => boolean | Promise<boolean>, patience = 30_000): Promise<void> {
  return waitFor(condition, { patience, every: 5, message: () => `Waited ${patience / 1_000} s in vain until ${what}.` })
}

/** The same every 20 ms, unless told otherwise, for what is not asked for nothing; with words of its own for the failure. */
export async function waitFor(
  condition: () => boolean | Promise<boolean>,
  options: { patience: number; every?: number; message: () => string | Promise<string> },
): Promise<void> {
  const deadline = performance.now() + options.patience
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(await options.message())
    await wait(options.every ?? 20)
  }
}
