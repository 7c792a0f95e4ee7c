import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** `kind` by OTLP's numbers. Whole numbers of attributes are numbers, as far as JavaScript goes. */
export type CollectedSpan = {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  kind: number
  links: { traceId: string; spanId: string }[]
  status: { code?: number; message?: string }
  attributes: Record<string, string | number | boolean>
}

/** https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto, Span.SpanKind */
export const SPAN_KINDS = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 } as const

type SentValue = { stringValue?: string; intValue?: string | number; doubleValue?: number; boolValue?: boolean }
type SentSpan = Omit<CollectedSpan, 'attributes' | 'links'> & {
  attributes: { key: string; value: SentValue }[]
  links?: CollectedSpan['links']
}

/** Plays an OpenTelemetry collector that takes traces as JSON over HTTP. */
export async function createCollector(): Promise<{ url: string; spans: CollectedSpan[]; close(): Promise<void> }> {
  const spans: CollectedSpan[] = []
  const server = createServer(async (request, response) => {
    const { resourceSpans } = JSON.parse(await text(request)) as { resourceSpans: { scopeSpans: { spans: SentSpan[] }[] }[] }
    spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans.map(collected))))
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

function collected({ attributes, links = [], ...span }: SentSpan): CollectedSpan {
  return { ...span, links, attributes: Object.fromEntries(attributes.map(({ key, value }) => [key, plainValue(value)])) }
}

function plainValue({ stringValue, intValue, doubleValue, boolValue }: SentValue): string | number | boolean {
  return stringValue ?? doubleValue ?? boolValue ?? Number(intValue)
}
