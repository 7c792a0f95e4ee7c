import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { parse } from 'yaml'
import { createCollector } from '../e2e/gateway/collector.ts'
import { eventually } from '../e2e/gateway/eventually.ts'
import { knownOrder } from '../e2e/gateway/known-order.ts'
import { deliveriesOf, orderRow } from '../e2e/gateway/look.ts'
import { openWorld, type World } from '../e2e/gateway/world.ts'
import { freePort } from '../servers/index.ts'
import { type Exposition, readExposition } from './exposition.ts'
import { metricsUsed } from './promql.ts'

const ROOT = join(import.meta.dirname, '../..')
const DASHBOARDS = join(ROOT, 'docker/grafana/dashboards')
/** What Prometheus itself adds: the metric of its scrapes, and the labels that docker/prometheus/prometheus.yaml gives. */
const OF_PROMETHEUS = { metrics: new Set(['up']), labels: new Set(['process', 'instance', 'job']) }

type Dashboard = {
  uid: string
  panels: { title: string; datasource: { uid: string }; targets: { expr: string }[] }[]
  templating: { list: { definition: string }[] }
}
type Expression = { where: string; expression: string }

describe('the metrics of a running gateway', function () {
  this.timeout(60_000)
  let collector: Awaited<ReturnType<typeof createCollector>>
  let world: World
  let shown: Exposition
  let dashboards: Dashboard[]
  before(async () => {
    const port = await freePort()
    collector = await createCollector()
    const settings = { metrics: { port }, telemetry: { endpoint: collector.url } }
    world = await openWorld({ name: 'metrics', settings })
    const { seller } = await world.consent()
    const order = world.simulator.market.addOrder(seller.userId, knownOrder(seller.username, Date.now()))
    const unsigned = await fetch(`${world.gateway.url}/open/order/callback/1`, { method: 'POST', body: '{}' })
    expect(unsigned.status).to.equal(412)
    expect(await world.notify(order.orderId)).to.deep.equal([204])
    await deliveriesOf(world, 'warehouse', order.orderId)
    await orderRow(world, order.orderId)
    // Told once more: a second hint, and nothing new.
    await world.notify(order.orderId)
    const scrape = async () => readExposition(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text())
    shown = await eventually('every consumer has been counted', async () => {
      const exposition = await scrape()
      const isBehind = exposition.series.some(({ name, value }) => name === 'tributary_consumer_lag_events' && value > 0)
      // An answer is counted when its connection has it.
      const isAnswered = exposition.series.some(
        ({ name, labels, value }) =>
          name === 'http_server_request_duration_seconds_count' && labels['http_response_status_code'] === '204' && value === 2,
      )
      // A machine that has much else to do may not get its readings within their bound; then they are missing.
      const isRead = [
        'tributary_consumer_lag_events',
        'tributary_endpoint_state',
        'tributary_sellers',
        'tributary_service_health',
      ]
      const isWhole = isRead.every((name) => exposition.labels.has(name)) && readOf(exposition, 'orders') === 8
      return !isBehind && isAnswered && isWhole && exposition
    })
    dashboards = await Promise.all(
      (await readdir(DASHBOARDS)).map(async (file) => JSON.parse(await readFile(join(DASHBOARDS, file), 'utf8')) as Dashboard),
    )
  })
  after(async () => {
    await world.close()
    await collector.close()
  })

  const alertRules = async () => {
    const { groups } = parse(await readFile(join(ROOT, 'docker/prometheus/alerts.yaml'), 'utf8')) as {
      groups: { rules: { alert: string; expr: string; annotations: { action: string } }[] }[]
    }
    return groups.flatMap(({ rules }) => rules)
  }
  const expressions = async (): Promise<Expression[]> => [
    ...dashboards.flatMap(({ uid, panels }) =>
      panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ where: `${uid}: ${title}`, expression: expr }))),
    ),
    ...(await alertRules()).map(({ alert, expr }) => ({ where: `alert ${alert}`, expression: expr })),
  ]
  const isShown = (metric: string) => shown.names.has(metric) || OF_PROMETHEUS.metrics.has(metric)

  /** The sum of the series that have these labels. */
  const counted = (name: string, labels: Record<string, string> = {}): number =>
    shown.series
      .filter((one) => one.name === name && Object.entries(labels).every(([label, value]) => one.labels[label] === value))
      .reduce((sum, { value }) => sum + value, 0)

  it('count what came in, what was kept of it, and what went out', () => {
    const endpoint = 'egOrderSpiConsumerGroup:warehouse'
    expect({
      kept: counted('tributary_notifications_total', { channel: 'ebay', outcome: 'kept' }),
      refused: counted('tributary_notifications_total', { channel: 'ebay', outcome: 'refused' }),
      unsigned: counted('tributary_signature_failures_total', { channel: 'ebay' }),
      notified: counted('tributary_log_events_total', { type: 'OrderNotified', outcome: 'appended' }),
      received: counted('tributary_orders_received_total', { channel: 'ebay', origin: 'notification' }),
      snapshots: counted('tributary_log_events_total', { type: 'OrderReceived', outcome: 'appended' }),
      orderRows: counted('tributary_projection_rows_total', { table: 'eg_order_order' }),
      lineRows: counted('tributary_projection_rows_total', { table: 'eg_order_order_detail' }),
      delivered: counted('tributary_delivery_age_seconds_count', { endpoint }),
      failed:
        counted('tributary_delivery_attempts_total', { endpoint }) -
        counted('tributary_delivery_age_seconds_count', { endpoint }),
      webhooks: counted('http_server_request_duration_seconds_count', {
        http_route: '/open/order/callback/:channel',
        http_response_status_code: '204',
      }),
    }).to.deep.equal({
      kept: 2,
      refused: 1,
      unsigned: 1,
      notified: 2,
      received: 1,
      snapshots: 1,
      orderRows: 1,
      lineRows: 2,
      delivered: 1,
      failed: 0,
      webhooks: 2,
    })
  })

  it('tell how everything stands', () => {
    const endpoint = 'egOrderSpiConsumerGroup:warehouse'
    expect(counted('tributary_endpoint_state', { endpoint, state: 'open' })).to.equal(1)
    expect(counted('tributary_endpoint_state', { endpoint, state: 'failing' })).to.equal(0)
    expect(counted('tributary_lanes', { endpoint })).to.equal(0)
    expect(counted('tributary_sellers', { channel: 'ebay', grant: 'standing' })).to.equal(1)
    expect(counted('tributary_channel_calls_left', { channel: 'ebay', operation: 'order' })).to.be.within(99_000, 99_999)
    expect(counted('tributary_service_health', { service: 'projector' })).to.equal(2)
    const place = { consumer: 'orders', topic: 'EG_ORDER_SPI_TOPIC' }
    const partitions = shown.series.filter(
      ({ name, labels }) => name === 'tributary_consumer_stalled_seconds' && labels['consumer'] === 'orders',
    )
    expect([partitions.length, counted('tributary_consumer_stalled_seconds', place)]).to.deep.equal([8, 0])
  })

  it('are all that dashboards and alert rules ask for', async () => {
    const missing = (await expressions()).flatMap(({ where, expression }) =>
      metricsUsed(expression)
        .filter(({ metric }) => !isShown(metric))
        .map(({ metric }) => `${where}: ${metric}`),
    )
    expect(missing).to.deep.equal([])
  })

  it('have the labels by which dashboards and alert rules select and group', async () => {
    const missing = (await expressions()).flatMap(({ where, expression }) =>
      metricsUsed(expression).flatMap(({ metric, labels }) => {
        // Nothing may have been counted yet, for example a fence: then there is nothing to compare with.
        const known = shown.labels.get(metric)
        if (!known) return []
        return labels
          .filter((label) => !known.has(label) && !OF_PROMETHEUS.labels.has(label))
          .map((label) => `${where}: ${metric} has no ${label}`)
      }),
    )
    expect(missing).to.deep.equal([])
  })

  it('are all that the variables of dashboards list', () => {
    const used = dashboards.flatMap(({ templating }) => templating.list.map(({ definition }) => definition))
    for (const definition of used) {
      const [, metric = '', label = ''] = /^label_values\((\w+), (\w+)\)$/.exec(definition) ?? []
      expect([...(shown.labels.get(metric) ?? [])], definition).to.include(label)
    }
  })

  it('are drawn from the sources that Grafana is given', async () => {
    const file = join(ROOT, 'docker/grafana/provisioning/datasources/datasources.yaml')
    const { datasources } = parse(await readFile(file, 'utf8')) as { datasources: { uid: string }[] }
    const given = datasources.map(({ uid }) => uid)
    for (const { panels } of dashboards) for (const { datasource } of panels) expect(given).to.include(datasource.uid)
    expect(dashboards.map(({ uid }) => uid).sort()).to.deep.equal(['deliveries', 'flow', 'projections'])
  })

  it('stand in docs/observability.md, each of ours, and no other', async () => {
    const manual = await readFile(join(ROOT, 'docs/observability.md'), 'utf8')
    const documented = new Set(
      [...manual.matchAll(/`((?:tributary|http|db|messaging)_[a-z_]+)`/g)].map(([, name = '']) => name),
    )
    const declared = [...shown.text.matchAll(/^# TYPE (\S+)/gm)]
      .map(([, name = '']) => name)
      .filter((name) => /^(tributary|http|db|messaging)_/.test(name))
    expect(
      declared.filter((name) => !documented.has(name)),
      'not in the manual',
    ).to.deep.equal([])
    expect(
      [...documented].filter((name) => !declared.includes(name)),
      'only in the manual',
    ).to.deep.equal([])
  })

  it('tell nothing about people, orders, secrets or where receivers are', () => {
    expect(shown.text).not.to.match(/Esempio|known_buyer|relay1@|5550199|77-00001-00001|MALLET/)
    const { clientSecret } = world.simulator.app
    const secrets = [clientSecret, world.gateway.masterKey.toString('base64'), world.gateway.challengeToken, 'v^1.1#', 'whsec_']
    const addresses = Object.values(world.receivers).map(({ url }) => url)
    expect([...secrets, ...addresses].filter((text) => shown.text.includes(text))).to.deep.equal([])
  })

  it('are not told where webhooks come in', async () => {
    expect((await fetch(`${world.gateway.url}/metrics`)).status).to.equal(404)
  })

  it('lead to commands that exist', async () => {
    const named = (await alertRules()).flatMap(({ annotations }) => annotations.action.match(/(?<=tributary )\w+ \w+/g) ?? [])
    const commands = [...new Set(named)]
    expect(commands).to.include('parked requeue')
    const help = await Promise.all(commands.map((command) => world.gateway.run([...command.split(' '), '--help'])))
    for (const [index, { code, output }] of help.entries()) {
      expect(code, commands[index]).to.equal(0)
      expect(output).to.include(`tributary ${commands[index]}`)
    }
  })
})

/** In how many partitions a scrape tells the lag of a consumer. */
const readOf = ({ series }: Exposition, consumer: string): number =>
  series.filter(({ name, labels }) => name === 'tributary_consumer_lag_events' && labels['consumer'] === consumer).length
