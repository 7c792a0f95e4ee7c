import { until as waitUntil } from '@tributary/test/servers'

/** Waits for a condition. Fails after 30 seconds, saying what it waited for. */
export function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  return waitUntil(condition, { patience: 30_000, message: () => `Waited 30 seconds in vain until ${what}.` })
}
