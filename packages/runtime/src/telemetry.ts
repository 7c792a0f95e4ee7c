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
import { codeOf } from './coded.ts'

import type { Logger } from './logger.ts'

/** What the work of a span may do to it. Values are figures and names, never secrets or personal data. */
export type SpanNotes = {
  note(name: string, value: string | number | boolean): void
  /** For what is only known later, for example the route of a request. */
  rename(name: string): void
  /** Marks the span as failed although its work ends well. `reason` becomes `error.type`: a code or a status, never a message. */
  fail(reason: string): void
  /** The W3C traceparent of the span, if it is one that will be exported. */
  readonly traceparent: string | undefined
}

type Attributes = Readonly<Record<string, string | number | boolean>>

export type SpanOptions = {
  kind?: 'internal' | 'server' | 'client' | 'producer' | 'consumer'
  /** A function where they cost something to make: it is called only while spans go anywhere. */
  attributes?: Attributes | (() => Attributes)
  /** A W3C traceparent: the span continues that trace, instead of the one that is active here. */
  parent?: string | undefined
  /** Traceparents of other traces that led here, for example the events of a batch. */
  links?: readonly (string | undefined)[]
  /** Begins a trace of its own unless there is a parent, whatever is active here. */
  root?: boolean
}

const kinds = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const

/** Whether spans go anywhere. While they do not, they cost a comparison. */
let exporting = false

const nowhere: SpanNotes = { note: () => {}, rename: () => {}, fail: () => {}, traceparent: undefined }

/** Runs `work` inside a span that ends with it and records its failure. Does nothing else when telemetry is off. */
export function inSpan<T>(name: string, options: SpanOptions, work: (span: SpanNotes) => Promise<T>): Promise<T> {
  if (!exporting) return work(nowhere)
  const parent = contextOf(options.parent)
  const links = (options.links ?? []).map(contextOf).filter((link) => link !== undefined)
  return trace.getTracer('tributary').startActiveSpan(
    name,
    {
      kind: kinds[options.kind ?? 'internal'],
      attributes: typeof options.attributes === 'function' ? options.attributes() : (options.attributes ?? {}),
      links: links.map((link): Link => ({ context: link })),
    },
    parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : options.root ? ROOT_CONTEXT : context.active(),
    (span) => finish(span, work),
  )
}

async function finish<T>(span: Span, work: (span: SpanNotes) => Promise<T>): Promise<T> {
  try {
    return await work(notesOf(span))
  } catch (error) {
    // The message may quote what others sent; the error's name and code say enough and hold nothing personal.
    const name = error instanceof Error ? error.name : 'Error'
    const code = codeOf(error)
    span.setAttribute('error.type', code ?? name)
    span.setStatus({ code: SpanStatusCode.ERROR, message: code === undefined ? name : `${name} ${code}` })
    throw error
  } finally {
    span.end()
  }
}

function notesOf(span: Span): SpanNotes {
  return {
    note: (name, value) => span.setAttribute(name, value),
    rename: (name) => span.updateName(name),
    fail(reason) {
      span.setAttribute('error.type', reason)
      span.setStatus({ code: SpanStatusCode.ERROR })
    },
    get traceparent() {
      return span.isRecording() ? traceparentOf(span.spanContext()) : undefined
    },
  }
}

/** Runs `work` outside the trace that is active: for loops that a request happens to start and that outlive it. */
export function detached<T>(work: () => T): T {
  return exporting ? context.with(ROOT_CONTEXT, work) : work()
}

/** Whether the active span will be exported. Says whether an attribute is worth its making. */
export const isTraced = (): boolean => exporting && trace.getActiveSpan()?.isRecording() === true

/** Older than this, what is heard is being replayed: its trace is linked to, not continued. Milliseconds. */
const LIVE = 5 * 60_000
const MOST_LINKS = 32

/**
 * How work on things that were recorded with a trace stands to those traces: one that is live continues the trace that
 * brought it here; of several, and of old ones that are read again, each trace is linked to by a trace of its own.
 * `time` in milliseconds since 1970.
 */
export function traceFrom(
  sources: readonly { traceparent?: string | null | undefined; time: number }[],
): Pick<SpanOptions, 'parent' | 'links' | 'root'> {
  if (!exporting) return {}
  const [first] = sources
  if (first?.traceparent && sources.length === 1 && Date.now() - first.time < LIVE) return { parent: first.traceparent }
  const links = [...new Set(sources.flatMap(({ traceparent }) => traceparent ?? []))]
  return { links: links.slice(0, MOST_LINKS), root: true }
}

/** The W3C traceparent of the active span, to be carried on in an event or a request; undefined when there is none. */
export function currentTraceparent(): string | undefined {
  const active = trace.getActiveSpan()?.spanContext()
  if (!active || !isSpanContextValid(active)) return undefined
  return traceparentOf(active)
}

const traceparentOf = ({ traceId, spanId, traceFlags }: SpanContext): string =>
  `00-${traceId}-${spanId}-0${traceFlags & TraceFlags.SAMPLED}`

/** Whether two traceparents are of one trace. */
export const isSameTrace = (one: string, other: string): boolean => one.slice(3, 35) === other.slice(3, 35)

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
  logger?: Logger
}): Promise<{ stop(): Promise<void> }> {
  if (!options.endpoint) return { stop: async () => {} }
  const { startExporting } = await import('./telemetry-exporter.ts')
  const exporter = startExporting({ ...options, endpoint: options.endpoint })
  exporting = true
  return {
    stop() {
      exporting = false
      return exporter.stop()
    },
  }
}
