import { expect } from 'chai'
import { createMetricsServer } from '../http/metrics-server.ts'
import { createRouter } from '../http/routes.ts'
import { createHttpServer } from '../http/server.ts'
import { createLogger } from '../logger.ts'
import { metricValue } from '../testing/index.ts'
import { counter, gauge, histogram, MOST_SERIES } from './instruments.ts'
import { metricsText, observe } from './observe.ts'

const logger = createLogger({ level: 'silent', format: 'json' })

describe('metrics', () => {
  it('count, stand and spread, each series by its labels', async () => {
    const sent = counter({ name: 'test_sent_total', help: 'A test.', labels: ['endpoint', 'status'] })
    const depth = gauge({ name: 'test_depth', help: 'A test.', labels: ['lane'] })
    const waits = histogram({ name: 'test_wait_seconds', help: 'A test.', buckets: [0.1, 1] })
    sent.add(2, { endpoint: 'a"\n\\', status: 200 })
    sent.add(1, { status: 200, endpoint: 'a"\n\\' })
    depth.set(5, { lane: 1 })
    depth.set(3, { lane: 2 })
    depth.remove({ lane: 1 })
    waits.record(0.5, {})
    const text = await metricsText()
    expect(text).to.include('test_sent_total{endpoint="a\\"\\n\\\\",status="200"} 3')
    expect(text).to.include('test_depth{lane="2"} 3').and.not.to.include('lane="1"')
    expect(text).to.include('test_wait_seconds_bucket{le="0.1"} 0').and.to.include('test_wait_seconds_bucket{le="1"} 1')
  })

  it('tell sums, counts and what lies above all bounds, and stand at zero from the start where nothing tells series apart', async () => {
    const waits = histogram({ name: 'test_pause_seconds', help: 'A test.', labels: ['lane'], buckets: [0.25, 1] })
    counter({ name: 'test_quiet_total', help: 'A test.' })
    histogram({ name: 'test_quiet_seconds', help: 'A test.', buckets: [1] })
    for (const value of [0.25, 0.5, 4]) waits.record(value, { lane: 'a' })
    expect(() => waits.record(Number.NaN, { lane: 'a' })).to.throw(TypeError)
    const text = await metricsText()
    const of = (name: string) => text.split('\n').filter((line) => line.startsWith(name))
    expect(of('test_pause_seconds')).to.deep.equal([
      'test_pause_seconds_bucket{le="0.25",lane="a"} 1',
      'test_pause_seconds_bucket{le="1",lane="a"} 2',
      'test_pause_seconds_bucket{le="+Inf",lane="a"} 3',
      'test_pause_seconds_sum{lane="a"} 4.75',
      'test_pause_seconds_count{lane="a"} 3',
    ])
    expect(of('test_quiet_')).to.include.members(['test_quiet_total 0', 'test_quiet_seconds_count 0'])
    expect(text).to.include('# TYPE test_pause_seconds histogram').and.include('# TYPE test_quiet_total counter')
  })

  it('refuse a second metric of the same name', () => {
    counter({ name: 'test_once_total', help: 'A test.' })
    expect(() => counter({ name: 'test_once_total', help: 'A test.' })).to.throw(/already been registered/)
  })

  it('keep a bounded number of series, whatever others send', async () => {
    const heard = counter({ name: 'test_heard_total', help: 'A test.', labels: ['topic'] })
    for (let topic = 0; topic < MOST_SERIES + 50; topic += 1) heard.add(1, { topic })
    heard.add(1, { topic: 7 })
    expect(await metricValue('test_heard_total', { topic: 'other' })).to.equal(50)
    expect(await metricValue('test_heard_total', { topic: 7 })).to.equal(2)
    expect(await metricValue('test_heard_total', { topic: MOST_SERIES + 1 })).to.equal(0)
  })

  it('are read at each scrape where somebody observes, and are gone when nobody does', async () => {
    const lag = gauge({ name: 'test_lag', help: 'A test.', labels: ['partition'] })
    let partitions = [0, 1]
    const stop = observe('test', async () => partitions.map((partition) => lag.reading(7, { partition })))
    expect(await metricsText())
      .to.include('test_lag{partition="0"} 7')
      .and.include('test_lag{partition="1"} 7')
    partitions = [1]
    expect(await metricsText()).to.not.include('test_lag{partition="0"}')
    stop()
    expect(await metricsText()).to.not.include('test_lag{')
  })

  it('lose only what cannot be read, and count that', async () => {
    const depth = gauge({ name: 'test_spool', help: 'A test.' })
    const stops = [
      observe('broken', () => Promise.reject(new Error('The database is away.'))),
      observe('well', () => [depth.reading(4, {})]),
    ]
    expect(await metricsText()).to.include('test_spool 4')
    expect(await metricValue('tributary_metrics_read_failures_total', { observer: 'broken' })).to.be.at.least(1)
    for (const stop of stops) stop()
  })

  it('are told by a listener of their own, and not by that of webhooks', async () => {
    const options = { host: '127.0.0.1', port: 0, logger, health: [] }
    const servers = [createMetricsServer(options), createHttpServer({ ...options, routers: [] })] as const
    for (const server of servers) await server.start()
    try {
      const answer = await fetch(`${servers[0].url}/metrics`)
      expect(answer.headers.get('content-type')).to.equal('text/plain; version=0.0.4; charset=utf-8')
      expect(await answer.text())
        .to.include('process_resident_memory_bytes')
        .and.include('nodejs_eventloop_lag_seconds')
      expect((await fetch(`${servers[1].url}/metrics`)).status).to.equal(404)
    } finally {
      for (const server of servers) await server.stop()
    }
  })

  it('time requests by declared route, and put together what anyone may make up', async () => {
    const router = createRouter([{ path: '/things/:name', get: (_request, response) => void response.status(204).end() }])
    const server = createHttpServer({ host: '127.0.0.1', port: 0, logger, routers: [router], health: [] })
    await server.start()
    const count = (labels: Record<string, string | number>) => metricValue('http_server_request_duration_seconds_count', labels)
    const known = { http_request_method: 'GET', http_route: '/things/:name', http_response_status_code: 204 }
    const unknown = { http_request_method: 'GET', http_route: 'none', http_response_status_code: 404 }
    const before = await Promise.all([count(known), count(unknown)])
    try {
      for (const path of ['things/a', 'things/b', 'nothing', 'wp-login.php'])
        await (await fetch(`${server.url}/${path}`)).text()
    } finally {
      await server.stop()
    }
    expect(await Promise.all([count(known), count(unknown)])).to.deep.equal(before.map((number) => number + 2))
  })
})
