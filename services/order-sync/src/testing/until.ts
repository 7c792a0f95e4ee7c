import { until as waitUntil } from '@tributary/test/servers'

/** Waits for a condition. Fails after ten seconds, saying what it waited for. */
export function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  return waitUntil(condition, { patience: 10_000, message: () => `Waited ten seconds in vain until ${what}.` })
}
