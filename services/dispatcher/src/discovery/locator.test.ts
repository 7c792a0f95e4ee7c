import type { SpiDiscovery } from '@tributary/runtime'
import { until } from '@tributary/test/servers'
import { createDnsSimulator, type DnsSimulator } from '@tributary/test/simulators/dns'
import { createNacosSimulator, type NacosSimulator } from '@tributary/test/simulators/nacos'
import { expect } from 'chai'
import { createLocator, type Locator } from './locator.ts'
import { nacosRegistry } from './nacos.ts'
import type { Registry } from './registry.ts'
import { srvRecords } from './srv-records.ts'

const ADDRESS = 'http://{instance}/spi/orders'
const located = async (locator: Locator, name: string) => {
  await locator.look([name])
  return locator.find(name)
}
const problemOf = async (locator: Locator, name: string) => {
  const found = await located(locator, name)
  return 'problem' in found ? found.problem : 'none'
}

describe('Where an SPI service is', () => {
  it('is what the configuration says, whatever else would find it', async () => {
    const spiServices = { warehouse: 'https://warehouse.example/spi' }
    const locator = createLocator({ spiServices, spiDiscovery: { address: 'http://{server_name}.internal:8080/spi' } })
    expect(await located(locator, 'warehouse')).to.deep.equal({ instances: [{ url: spiServices.warehouse, weight: 1 }] })
    expect(await located(locator, 'billing')).to.deep.equal({
      instances: [{ url: 'http://billing.internal:8080/spi', weight: 1 }],
    })
    expect(await problemOf(locator, 'a/b@c')).to.match(/'a\/b@c' cannot stand in an address: set qifu\.eg\.spi\.services/)
    const badPort = createLocator({ spiServices: { warehouse: 'http://warehouse.example:99999/spi' } })
    expect(await problemOf(badPort, 'warehouse')).to.match(/qifu\.eg\.spi\.services\.warehouse is no address/)
    expect(await problemOf(createLocator({ spiServices }), 'billing')).to.match(/^Nothing says where 'billing' is: set qifu/)
  })

  describe('by SRV records', () => {
    let dns: DnsSimulator
    beforeEach(async () => {
      dns = await createDnsSimulator()
    })
    afterEach(() => dns.close())

    const locatorOf = () => {
      const srv = '_http._tcp.{server_name}.service.example'
      return createLocator({ spiServices: {}, spiDiscovery: { address: ADDRESS, srv } }, srvRecords(srv, [dns.server]))
    }

    it('is every target of the lowest priority, with its weight', async () => {
      dns.set('_http._tcp.warehouse.service.example', [
        { priority: 2, weight: 9, port: 1, target: 'spare.example' },
        { priority: 1, weight: 3, port: 8080, target: 'one.example' },
        { priority: 1, weight: 0, port: 8081, target: 'two.example' },
      ])
      const found = await located(locatorOf(), 'warehouse')
      expect(found)
        .to.have.property('instances')
        .which.has.deep.members([
          { url: 'http://one.example:8080/spi/orders', weight: 3 },
          { url: 'http://two.example:8081/spi/orders', weight: 0.01 },
        ])
    })

    it('is nowhere when there is no record, or one that says so, and cannot be told while the server fails', async () => {
      dns.set('_http._tcp.closed.service.example', [{ priority: 0, weight: 0, port: 0, target: '.' }])
      expect(await problemOf(locatorOf(), 'closed')).to.equal("DNS knows no healthy instance of 'closed'.")
      expect(await problemOf(locatorOf(), 'unknown')).to.equal("DNS knows no healthy instance of 'unknown'.")
      dns.fail(true)
      expect(await problemOf(locatorOf(), 'unknown')).to.match(/^DNS cannot say where 'unknown' is: ESERVFAIL\. Or set/)
    })
  })

  for (const version of ['2', '3.2'] as const)
    describe(`by Nacos ${version}`, () => {
      const login = { username: 'tributary', password: 'only for tests' }
      let nacos: NacosSimulator
      beforeEach(async () => {
        nacos = await createNacosSimulator({ login, version })
      })
      afterEach(() => nacos.stop().catch(() => {}))

      const locatorOf = (more: Partial<NonNullable<SpiDiscovery['nacos']>> = {}) => {
        const registry = { url: nacos.url, namespace: 'public', group: 'DEFAULT_GROUP', login, ...more }
        return createLocator({ spiServices: {}, spiDiscovery: { address: ADDRESS, nacos: registry } })
      }

      it('is every instance that is healthy, enabled and has a weight', async () => {
        nacos.register({ name: 'warehouse' }, [
          { ip: '10.0.0.1', port: 8080, weight: 2.5 },
          { ip: '10.0.0.2', port: 8080, healthy: false },
          { ip: '10.0.0.3', port: 8080, enabled: false },
          { ip: '10.0.0.4', port: 8080, weight: 0 },
          { ip: 'fd12::5', port: 8080 },
        ])
        expect(await located(locatorOf(), 'warehouse')).to.deep.equal({
          instances: [
            { url: 'http://10.0.0.1:8080/spi/orders', weight: 2.5 },
            { url: 'http://[fd12::5]:8080/spi/orders', weight: 1 },
          ],
        })
      })

      it('is at the others when an instance is written so that nobody can dial it, and that is told', async () => {
        const bad = [
          { ip: 'user:word@evil.example/', port: 8080 },
          { ip: '256.1.1.1', port: 8080 },
          { ip: 'fe80::1%eth0', port: 8080 },
          { ip: '10.0.0.2', port: 99_999 },
          { ip: '10.0.0.3', port: 'http' as unknown as number },
        ]
        nacos.register({ name: 'warehouse' }, [...bad, { ip: '10.0.0.1', port: 80 }])
        const name = 'Nacos (group DEFAULT_GROUP, namespace public)'
        const told =
          "of 'warehouse' that cannot stand in an address: (a host of another form):8080, 256.1.1.1:8080, fe80::1%eth0:8080, …."
        expect(await located(locatorOf(), 'warehouse')).to.deep.equal({
          instances: [{ url: 'http://10.0.0.1:80/spi/orders', weight: 1 }],
          leftOut: `${name} names instances ${told} They are left out.`,
        })
        const hosts = [null, { ip: '10.0.0.1', port: 80, weight: 1, healthy: true, enabled: true }]
        nacos.fault({ body: JSON.stringify({ hosts, data: hosts }) })
        expect(await located(locatorOf(), 'warehouse')).to.have.nested.property('instances.length', 1)
        nacos.fault(undefined)
        nacos.register({ name: 'warehouse' }, bad)
        expect(await problemOf(locatorOf(), 'warehouse')).to.equal(
          `${name} names no instances but some ${told} Mend them there.`,
        )
      })

      it('is looked for in its namespace, group and cluster', async () => {
        const place = { group: 'eg', namespace: 'b7c1', cluster: 'hz' }
        nacos.register({ name: 'warehouse', ...place }, [{ ip: '10.0.0.1', port: 80 }])
        expect(await located(locatorOf(place), 'warehouse')).to.have.nested.property(
          'instances[0].url',
          'http://10.0.0.1:80/spi/orders',
        )
        expect(await problemOf(locatorOf(), 'warehouse')).to.equal(
          "Nacos (group DEFAULT_GROUP, namespace public) knows no healthy instance of 'warehouse'.",
        )
      })

      it('is asked for with one login, and with another when the token is not taken any more', async () => {
        const registry = nacosRegistry({ url: nacos.url, namespace: 'public', group: 'DEFAULT_GROUP', login })
        nacos.register({ name: 'warehouse' }, [{ ip: '10.0.0.1', port: 80 }])
        await registry.find('warehouse')
        const { logins } = nacos
        await registry.find('warehouse')
        expect(nacos.logins).to.equal(logins)
        nacos.forgetTokens()
        expect(await registry.find('warehouse')).to.have.property('kind', 'found')
        expect(nacos.logins).to.equal(logins + 1)
      })

      it('is found by whichever API there is, also when Nacos is another version one day', async () => {
        const registry = nacosRegistry({ url: nacos.url, namespace: 'public', group: 'DEFAULT_GROUP', login })
        nacos.register({ name: 'warehouse' }, [{ ip: '10.0.0.1', port: 80 }])
        for (const next of ['2', '3.2', '2'] as const) {
          nacos.upgrade(next)
          for (let look = 0; look < 2; look += 1)
            expect(await registry.find('warehouse'), next).to.have.nested.property('instances[0].host', '10.0.0.1')
        }
      })

      it('cannot be told, and why not, without a secret or what Nacos wrote', async () => {
        const wrong = locatorOf({ login: { username: 'tributary', password: 'another' } })
        expect(await problemOf(wrong, 'warehouse')).to.match(/: the login is refused with status 403\. Or set qifu/)
        nacos.fault({ status: 503 })
        expect(await problemOf(locatorOf(), 'warehouse')).to.match(/: status 503\./)
        nacos.fault({ body: 'not JSON' })
        expect(await problemOf(locatorOf(), 'warehouse')).to.match(/: an answer that is not JSON\./)
        nacos.fault({ body: '{}' })
        expect(await problemOf(locatorOf(), 'warehouse')).to.match(/: an answer of another form\./)
        await nacos.stop()
        expect(await problemOf(locatorOf(), 'warehouse')).to.match(/: (ECONNREFUSED|UND_ERR_SOCKET)\./)
      })
    })

  describe('once it was found', () => {
    /** A registry whose answers the test decides; `age` makes the last answers old. */
    const nowhere: Registry = { name: 'The registry', find: async () => ({ kind: 'found', instances: [] }) }
    let find: Registry['find']
    let asked: number
    let now: number
    const locatorOf = () =>
      createLocator(
        { spiServices: {}, spiDiscovery: { address: ADDRESS } },
        {
          ...nowhere,
          find: (name) => {
            asked += 1
            return find(name)
          },
        },
        () => now,
      )
    const at = (host: string) => async () => ({ kind: 'found' as const, instances: [{ host, port: 80, weight: 1 }] })
    beforeEach(() => {
      asked = 0
      now = 0
      find = at('one.example')
    })

    it('is asked for again only when the answer is old', async () => {
      const locator = locatorOf()
      await locator.look(['warehouse'])
      now += 4_999
      await locator.look(['warehouse'])
      expect(asked).to.equal(1)
      find = at('two.example')
      now += 1
      await locator.look(['warehouse'])
      await until('the new answer is known', () => urlOf(locator) === 'http://two.example:80/spi/orders')
    })

    it('stays known while the registry is away or hangs, and nobody waits for that', async () => {
      const locator = locatorOf()
      await locator.look(['warehouse'])
      find = async () => ({ kind: 'failed', reason: 'away' })
      now += 5_000
      await locator.look(['warehouse'])
      await until('it was asked', () => asked === 2)
      expect(urlOf(locator)).to.equal('http://one.example:80/spi/orders')
      find = () => new Promise(() => {})
      now += 5_000
      await locator.look(['warehouse'])
      now += 5_000
      await locator.look(['warehouse'])
      expect(asked, 'one question at a time').to.equal(3)
      expect(urlOf(locator)).to.equal('http://one.example:80/spi/orders')
    })

    const urlOf = (locator: Locator) => {
      const found = locator.find('warehouse')
      return 'problem' in found ? found.problem : found.instances[0].url
    }
  })
})
