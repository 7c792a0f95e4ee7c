import {
  context,
  isSpanContextValid,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api'

/** The work of a span may add to it; values are figures and names, never secrets or personal data. */
export type SpanNotes = { note(name: string, value: string | number | boolean): void }

export type SpanOptions = {
  kind?: 'internal' | 'server' | 'client' | 'producer' | 'consumer'
  attributes?: Readonly<Record<string, string | number | boolean>>
  /** A W3C traceparent: the span continues that trace, instead of the one that is active here. */
  parent?: string | undefined
  /** Traceparents of other traces that led here, for example the events of a batch. */
  links?: readonly (string | undefined)[]
}

const kinds = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const

/** Runs `work` inside a span that ends with it and records its failure. Does nothing else when telemetry is off. */
export function inSpan<T>(name: string, options: SpanOptions, work: (span: SpanNotes) => Promise<T>): Promise<T> {
  const parent = contextOf(options.parent)
  const links = (options.links ?? []).map(contextOf).filter((link) => link !== undefined)
  return trace.getTracer('tributary').startActiveSpan(
    name,
    {
      kind: kinds[options.kind ?? 'internal'],
      attributes: options.attributes ?? {},
      links: links.map((link): Link => ({ context: link })),
    },
    parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : context.active(),
    (span) => finish(span, work),
  )
}

async function finish<T>(span: Span, work: (span: SpanNotes) => Promise<T>): Promise<T> {
  try {
    return await work({ note: (name, value) => span.setAttribute(name, value) })
  } catch (error) {
    // The message may quote what others sent; the error's name and code say enough and hold nothing personal.
    const { name, code } = error instanceof Error ? (error as Error & { code?: unknown }) : { name: 'Error', code: undefined }
    span.setStatus({ code: SpanStatusCode.ERROR, message: typeof code === 'string' ? `${name} ${code}` : name })
    throw error
  } finally {
    span.end()
  }
}

/** The W3C traceparent of the active span, to be carried on in an event or a request; undefined when there is none. */
export function currentTraceparent(): string | undefined {
  const active = trace.getActiveSpan()?.spanContext()
  if (!active || !isSpanContextValid(active)) return undefined
  return `00-${active.traceId}-${active.spanId}-0${active.traceFlags & TraceFlags.SAMPLED}`
}

function contextOf(traceparent: string | undefined): SpanContext | undefined {
  const match = traceparent?.match(/^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/)
  const [, traceId = '', spanId = '', flags = ''] = match ?? []
  const found: SpanContext = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED, isRemote: true }
  return isSpanContextValid(found) ? found : undefined
}

/**
 * Sends spans to `endpoint` over OTLP/HTTP until `stop`, keeping the share `sampling` (0 to 1) of new traces. Without
 * an endpoint it does nothing and loads nothing.
 */
export async function startTelemetry(options: {
  endpoint?: string
  sampling: number
  serviceName: string
}): Promise<{ stop(): Promise<void> }> {
  if (!options.endpoint) return { stop: async () => {} }
  const { startExporting } = await import('./telemetry-exporter.ts')
  return startExporting({ ...options, endpoint: options.endpoint })
}
