/** `degraded` still works but needs a look; `down` does not do its job. Health means progress, not a connection. */
export type HealthStatus = 'ok' | 'degraded' | 'down'

export type HealthReport = {
  name: string
  status: HealthStatus
  /** One sentence for the operator when the status is not `ok`. */
  reason?: string
  /** Figures: lag, stalled-for, parked keys, fences. No personal data, no secrets. */
  details?: Readonly<Record<string, unknown>>
}

/** One of our services inside a process. */
export type Service = {
  readonly name: string
  /** Resolves when the service can do its work. Throws when it never will, with a message that names the fix. */
  start(): Promise<void>
  health(): Promise<HealthReport>
  /** Stops taking work, finishes or puts back what is in hand, resolves. Callable at any time, also twice. */
  stop(): Promise<void>
}
