import { setTimeout as wait } from 'node:timers/promises'

/** Asks until the answer is true. Fails after `patience` milliseconds, saying what it waited for. */
export function until(what: string, condition: () => boolean | Promise<boolean>, patience = 30_000): Promise<void> {
  return waitFor(condition, { patience, message: () => `Waited ${patience / 1_000} s in vain until ${what}.` })
}

/** Milliseconds between two questions: the first come soon, but what is asked may cost something, or be counted. */
const SHORTEST = 5
const LONGEST = 20

/** The same with words of its own for the failure. */
export async function waitFor(
  condition: () => boolean | Promise<boolean>,
  options: { patience: number; message: () => string | Promise<string> },
): Promise<void> {
  const deadline = performance.now() + options.patience
  for (let rest = SHORTEST; !(await condition()); rest = Math.min(LONGEST, rest * 1.5)) {
    if (performance.now() > deadline) throw new Error(await options.message())
    await wait(rest)
  }
}
