import { context, trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { NodeSDK } from '@opentelemetry/sdk-node'
import { BatchSpanProcessor, ParentBasedSampler, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace'

const EXPORT_TIMEOUT = 2_000

/** Starts the OpenTelemetry SDK. In a file of its own, so that who exports nothing loads nothing. */
export function startExporting(options: { endpoint: string; sampling: number; serviceName: string }): {
  stop(): Promise<void>
} {
  const exporter = new OTLPTraceExporter({
    url: new URL('v1/traces', options.endpoint.replace(/\/?$/, '/')).href,
    timeoutMillis: EXPORT_TIMEOUT,
  })
  const sdk = new NodeSDK({
    resource: resourceFromAttributes({ 'service.name': options.serviceName }),
    // Detectors would add the command line and the host's name, and with them what an operator did not ask to publish.
    autoDetectResources: false,
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(options.sampling) }),
    spanProcessors: [new BatchSpanProcessor({ exporter, exportTimeoutMillis: EXPORT_TIMEOUT })],
    // Empty lists, or the SDK would make exporters of its own from OTEL_* variables.
    metricReaders: [],
    logRecordProcessors: [],
    instrumentations: [],
  })
  sdk.start()
  return {
    async stop() {
      // A collector that does not answer must not hold up the end of the process.
      await sdk.shutdown().catch(() => {})
      trace.disable()
      context.disable()
    },
  }
}
