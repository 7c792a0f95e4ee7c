import { execFile } from 'node:child_process'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { createRouter } from './http/routes.ts'
import { createHttpServer } from './http/server.ts'
import { createLogger } from './logger.ts'
import { currentTraceparent, inSpan, startTelemetry } from './telemetry.ts'
import { metricValue } from './testing/index.ts'

type SentSpan = {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  kind: number
  links?: { traceId: string }[]
  status: { code?: number; message?: string }
}

describe('telemetry', () => {
  describe('without an endpoint', () => {
    it('runs the work, answers its result and knows no trace', async () => {
      const telemetry = await startTelemetry({ sampling: 1, serviceName: 'test' })
      const result = await inSpan('work', { kind: 'consumer', links: [undefined, 'nonsense'] }, async (span) => {
        span.note('figure', 1)
        return currentTraceparent() ?? 'none'
      })
      expect(result).to.equal('none')
      await telemetry.stop()
    })

    it('loads nothing of the SDK', async () => {
      const program = `
        import { registerHooks } from 'node:module'
        const seen = []
        registerHooks({ resolve(name, context, next) { seen.push(name); return next(name, context) } })
        const { startTelemetry } = await import(${JSON.stringify(new URL('./index.ts', import.meta.url).href)})
        await startTelemetry({ sampling: 1, serviceName: 'test' })
        console.log(JSON.stringify(seen.filter((name) => /sdk-trace|exporter/.test(name))))`
      const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program])
      expect(JSON.parse(stdout)).to.deep.equal([])
    })
  })

  describe('with an endpoint', () => {
    let collector: Server
    let endpoint: string
    let spans: SentSpan[]
    beforeEach(async () => {
      spans = []
      collector = createServer(async (request, response) => {
        const chunks: Buffer[] = []
        for await (const chunk of request) chunks.push(chunk as Buffer)
        const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as {
          resourceSpans: { scopeSpans: { spans: SentSpan[] }[] }[]
        }
        spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)))
        response.setHeader('Content-Type', 'application/json').end('{}')
      })
      await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve))
      endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`
    })
    afterEach(() => new Promise<unknown>((resolve) => collector.close(resolve)))

    const parent = `00-${'a1'.repeat(16)}-${'b2'.repeat(8)}-01`
    const named = (name: string): SentSpan => {
      const span = spans.find((candidate) => candidate.name === name)
      if (!span) throw new Error(`no span ${name} was sent`)
      return span
    }

    it('continues the trace of an event, links others, and hands its own on', async () => {
      const telemetry = await startTelemetry({ endpoint, sampling: 1, serviceName: 'test' })
      const other = `00-${'c3'.repeat(16)}-${'d4'.repeat(8)}-01`
      const handedOn = await inSpan('outer', { kind: 'consumer', parent, links: [other, undefined, 'nonsense'] }, () =>
        inSpan('inner', { kind: 'client' }, async () => currentTraceparent()),
      )
      expect(currentTraceparent()).to.equal(undefined)
      await telemetry.stop()
      expect(named('outer')).to.include({ traceId: 'a1'.repeat(16), parentSpanId: 'b2'.repeat(8), kind: 5 })
      expect(named('outer').links?.map((link) => link.traceId)).to.deep.equal(['c3'.repeat(16)])
      expect(named('inner')).to.include({ parentSpanId: named('outer').spanId })
      expect(handedOn).to.equal(`00-${'a1'.repeat(16)}-${named('inner').spanId}-01`)
    })

    it('records a failure by the name and code of its error, never by its message', async () => {
      const telemetry = await startTelemetry({ endpoint, sampling: 1, serviceName: 'test' })
      const error = Object.assign(new Error('buyer hidden-1'), { code: 'LOG_UNAVAILABLE' })
      const caught: unknown = await inSpan('failing', {}, () => Promise.reject(error)).catch((reason: unknown) => reason)
      await telemetry.stop()
      expect(caught).to.equal(error)
      expect(named('failing').status).to.deep.equal({ code: 2, message: 'Error LOG_UNAVAILABLE' })
      expect(JSON.stringify(spans)).not.to.contain('hidden-1')
    })

    it('keeps no new trace when the share is zero, but those that others chose to keep', async () => {
      const telemetry = await startTelemetry({ endpoint, sampling: 0, serviceName: 'test' })
      await inSpan('dropped', {}, async () => {})
      await inSpan('kept', { parent }, async () => {})
      await telemetry.stop()
      expect(spans.map(({ name }) => name)).to.deep.equal(['kept'])
    })

    it('spans a request to its end, into handler and log lines, without its query', async () => {
      const telemetry = await startTelemetry({ endpoint, sampling: 1, serviceName: 'test' })
      const lines: string[] = []
      const logger = createLogger({ level: 'info', format: 'json', destination: { write: (line) => void lines.push(line) } })
      let inHandler: string | undefined
      const router = createRouter([
        {
          path: '/callback',
          post: {
            bodyLimit: 100,
            handle(_request, response) {
              inHandler = currentTraceparent()
              logger.info('handling')
              response.status(204).end()
            },
          },
        },
      ])
      const server = createHttpServer({ host: '127.0.0.1', port: 0, logger, routers: [router], health: [] })
      await server.start()
      await fetch(`${server.url}/callback?code=hidden-1`, { method: 'POST', body: '{}', headers: { traceparent: parent } })
      await server.stop()
      await telemetry.stop()
      const span = named('POST /callback')
      expect(span.traceId).not.to.equal('a1'.repeat(16))
      expect(inHandler).to.equal(`00-${span.traceId}-${span.spanId}-01`)
      expect(lines).to.have.length(2)
      for (const line of lines) expect(JSON.parse(line)).to.include({ trace_id: span.traceId, span_id: span.spanId })
      expect(JSON.stringify(spans)).not.to.contain('hidden-1')
    })

    it('ends though the collector is gone, and says what was lost', async () => {
      const lines: string[] = []
      const logger = createLogger({ level: 'info', format: 'json', destination: { write: (line) => void lines.push(line) } })
      const lost = await metricValue('tributary_telemetry_spans_total', { outcome: 'lost' })
      const telemetry = await startTelemetry({ endpoint: 'http://127.0.0.1:1', sampling: 1, serviceName: 'test', logger })
      await inSpan('lost', {}, async () => {})
      await telemetry.stop()
      expect(lines.map((line) => JSON.parse(line).msg)).to.deep.equal([
        'the telemetry endpoint does not take traces; they are lost, work goes on',
      ])
      expect(await metricValue('tributary_telemetry_spans_total', { outcome: 'lost' })).to.equal(lost + 1)
    })
  })
})
