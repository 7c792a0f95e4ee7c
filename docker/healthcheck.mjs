// Ends with 0 when the process in this container says that it is ready, as load balancers ask it.
const port = process.env.TRIBUTARY_METRICS_PORT || '9464'
try {
  const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(4_000) })
  process.exitCode = answer.ok ? 0 : 1
} catch {
  process.exitCode = 1
}
