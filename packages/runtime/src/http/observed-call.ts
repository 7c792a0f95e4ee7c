import { histogram } from '../metrics/instruments.ts'
import { inSpan, type SpanNotes } from '../telemetry.ts'

const durations = histogram({
  name: 'tributary_channel_call_duration_seconds',
  help: 'Calls to marketplaces, by how they ended: the status of the answer, or 0 when none came.',
  labels: ['channel', 'call', 'status'],
})

/**
 * Makes one HTTP call to a marketplace, measured and inside a span, by OpenTelemetry's conventions for HTTP clients. `call`
 * is the marketplace's own name of it, for example getOrder. Only the host of the address is told: the rest names people.
 */
export function observedCall<T extends { status: number }>(
  request: { channel: string; call: string; method: string; url: string },
  send: () => Promise<T>,
): Promise<T> {
  const { channel, call, method } = request
  const { hostname, port, protocol } = new URL(request.url)
  const attributes = {
    'http.request.method': method,
    'server.address': hostname,
    'server.port': Number(port) || (protocol === 'https:' ? 443 : 80),
    'tributary.channel': channel,
    'tributary.call': call,
  }
  return inSpan(method, { kind: 'client', attributes }, (span) => measured(request, span, send))
}

async function measured<T extends { status: number }>(
  { channel, call }: { channel: string; call: string },
  span: SpanNotes,
  send: () => Promise<T>,
): Promise<T> {
  const started = performance.now()
  let status = 0
  try {
    const answer = await send()
    status = answer.status
    span.note('http.response.status_code', status)
    if (status >= 400) span.fail(String(status))
    return answer
  } finally {
    durations.record((performance.now() - started) / 1_000, { channel, call, status })
  }
}
