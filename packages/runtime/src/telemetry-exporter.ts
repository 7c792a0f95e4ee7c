import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, ParentBasedSampler, TraceIdRatioBasedSampler, TracerProvider } from '@opentelemetry/sdk-trace'

const EXPORT_TIMEOUT = 2_000

/** Starts the OpenTelemetry SDK. In a file of its own, so that who exports nothing loads nothing. */
export function startExporting(options: { endpoint: string; sampling: number; serviceName: string }): {
  stop(): Promise<void>
} {
  const exporter = new OTLPTraceExporter({
    url: new URL('v1/traces', options.endpoint.replace(/\/?$/, '/')).href,
    timeoutMillis: EXPORT_TIMEOUT,
  })
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': options.serviceName }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(options.sampling) }),
    spanProcessors: [new BatchSpanProcessor({ exporter, exportTimeoutMillis: EXPORT_TIMEOUT })],
  })
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  trace.setGlobalTracerProvider(provider)
  return {
    async stop() {
      // A collector that does not answer must not hold up the end of the process.
      await provider.shutdown().catch(() => {})
      trace.disable()
      context.disable()
    },
  }
}
