import { context, trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { NodeSDK } from '@opentelemetry/sdk-node'
import { BatchSpanProcessor, ParentBasedSampler, type SpanExporter, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace'
import type { Logger } from './logger.ts'
import { spansLost, spansSent } from './telemetry-counts.ts'

const EXPORT_TIMEOUT = 2_000
/** A collector that is away is told so often, milliseconds, and not with every batch. */
const TELL_EVERY = 60_000

/** Starts the OpenTelemetry SDK. In a file of its own, so that who exports nothing loads nothing. */
export function startExporting(options: {
  endpoint: string
  sampling: number
  serviceName: string
  logger?: Logger | undefined
}): { stop(): Promise<void> } {
  const otlp = new OTLPTraceExporter({
    url: new URL('v1/traces', options.endpoint.replace(/\/?$/, '/')).href,
    timeoutMillis: EXPORT_TIMEOUT,
  })
  const exporter = countedExporter(otlp, options.logger)
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

/** Counts what was sent and what was lost, and says in the log when the collector does not take traces. */
function countedExporter(otlp: OTLPTraceExporter, logger: Logger | undefined): SpanExporter {
  let toldTime = Number.NEGATIVE_INFINITY
  return {
    export(spans, done) {
      otlp.export(spans, (result) => {
        // ExportResultCode of @opentelemetry/core: 0 is success.
        if (result.code === 0) spansSent(spans.length)
        else spansLost(spans.length)
        if (result.code !== 0 && performance.now() - toldTime > TELL_EVERY) {
          toldTime = performance.now()
          logger?.warn({ spans: spans.length }, 'the telemetry endpoint does not take traces; they are lost, work goes on')
        }
        done(result)
      })
    },
    forceFlush: () => otlp.forceFlush(),
    shutdown: () => otlp.shutdown(),
  }
}
