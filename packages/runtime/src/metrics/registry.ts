import { collectDefaultMetrics, Registry } from 'prom-client'

/** Everything that this process measures. One a process, as the process is what gets scraped. */
export const registry = new Registry()

let measuresProcess = false

/** Adds memory, CPU, event loop and garbage collection of the process, once. Only who is scraped pays for watching them. */
export function measureProcess(): void {
  if (measuresProcess) return
  measuresProcess = true
  collectDefaultMetrics({ register: registry })
}
