import type { Service } from '@tributary/runtime'
import { until } from '@tributary/test/servers'
import { createNacosSimulator, type NacosSimulator } from '@tributary/test/simulators/nacos'
import { createSpiReceiver, type SpiReceiver } from '@tributary/test/simulators/spi'
import { expect } from 'chai'
import { createDispatcher } from '../dispatcher.ts'
import { contextOf, openStage, QUICK, SECRET, type Stage } from '../testing/stage.ts'

describe('The dispatcher with Nacos', () => {
  let stage: Stage
  let nacos: NacosSimulator
  let receivers: [SpiReceiver, SpiReceiver]
  let dispatcher: Service
  beforeEach(async () => {
    stage = await openStage('discovery')
    nacos = await createNacosSimulator()
    receivers = await Promise.all([createSpiReceiver({ secret: SECRET }), createSpiReceiver({ secret: SECRET })])
    await stage.setCodes(['warehouse'])
    await stage.addService('warehouse')
  })
  afterEach(async () => {
    await dispatcher.stop()
    await Promise.all(receivers.map((receiver) => receiver.close()))
    await nacos.stop().catch(() => {})
    await stage.close()
  })

  const start = async (): Promise<void> => {
    const context = contextOf(stage, {}, QUICK)
    const registry = { url: nacos.url, namespace: 'public', group: 'DEFAULT_GROUP' }
    const spiDiscovery = { address: 'http://{instance}/spi/order', nacos: registry }
    dispatcher = createDispatcher({ ...context, configuration: { ...context.configuration, spiDiscovery } })
    await dispatcher.start()
  }
  const instanceOf = ({ url }: SpiReceiver) => ({ ip: '127.0.0.1', port: Number(new URL(url).port) })
  const orders = Array.from({ length: 60 }, (_, order) => `order-${order}`)

  it('spreads a service’s orders over its instances, and goes on while Nacos is away', async () => {
    nacos.register({ name: 'warehouse' }, receivers.map(instanceOf))
    await start()
    await nacos.stop()
    const ids = await stage.appendOrders(orders)
    const has = (id: string) => receivers.some(({ record }) => record.has(id))
    await until('every order has arrived', () => ids.every(has))
    // By chance one gets none of sixty once in 10^18 runs.
    for (const { record } of receivers) expect(record.taken).to.be.above(0)
  })

  it('sends nothing to an instance that stands at an address closed to deliveries, and says why', async () => {
    nacos.register({ name: 'warehouse' }, [{ ip: '169.254.169.254', port: 80 }])
    await start()
    await stage.appendOrders(['order-1'])
    await until('health tells', async () => {
      const { reason } = await dispatcher.health()
      return /address that deliveries may not go to/.test(reason ?? '')
    })
    for (const { record } of receivers) expect(record.taken).to.equal(0)
  })

  it('goes on with the others when an instance is written so that nobody can dial it, and health tells', async () => {
    nacos.register({ name: 'warehouse' }, [{ ip: '256.1.1.1', port: 80 }, instanceOf(receivers[0])])
    await start()
    const ids = await stage.appendOrders(orders)
    await until('every order has arrived', () => ids.every(receivers[0].record.has))
    const report = await dispatcher.health()
    expect(report.status).to.equal('degraded')
    expect(report.reason).to.match(/that cannot stand in an address: 256\.1\.1\.1:80\. They are left out\./)
    await until('each was tried once', async () => (await stage.count('attempt')) === orders.length)
  })

  it('sends to the other at once when an instance cannot be reached', async () => {
    nacos.register({ name: 'warehouse' }, receivers.map(instanceOf))
    await receivers[1].close()
    await start()
    const ids = await stage.appendOrders(orders)
    await until('every order has arrived', () => ids.every(receivers[0].record.has))
    await until('each was tried once', async () => (await stage.count('attempt')) === orders.length)
    expect((await dispatcher.health()).status).to.equal('ok')
  })

  it('keeps everything in order until an instance is there', async () => {
    nacos.register({ name: 'warehouse' }, [{ ...instanceOf(receivers[0]), healthy: false }])
    await start()
    const ids = await stage.appendOrders(orders)
    expect((await dispatcher.health()).reason).to.match(/knows no healthy instance of 'warehouse'/)
    nacos.register({ name: 'warehouse' }, [instanceOf(receivers[0])])
    await until('every order has arrived', () => ids.every(receivers[0].record.has))
  }).timeout(20_000)
})
