import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { until } from '@tributary/test/servers'
import { expect } from 'chai'
import { Agent, request } from 'undici'
import { type Reach, reachable } from './addresses.ts'
import { guardedConnector, sharing } from './connector.ts'

const PUBLIC: Reach = { scope: 'public', allow: [] }
const INTERNAL: Reach = { scope: 'internal', allow: [] }

/** Ways to write this machine, a private network or a metadata service, as they are used against senders of webhooks. */
const HOSTS_CLOSED_TO_PARTNERS = [
  ...['127.0.0.1', '127.0.0.2', '127.1', '127.0.1', '127.255.255.254', '2130706433', '0x7f000001', '0x7f.1', '0x7f.0.0.1'],
  ...['0177.0.0.1', '017700000001', '0177.1', '127.0x0.0.1', '%31%32%37.0.0.1', '１２７.0.0.1', '127。0。0。1', '127.0.0.1.'],
  ...['0.0.0.0', '0', '0x0', '0.1.2.3', '00.00.00.00', '[::]', '[::1]', '[0:0:0:0:0:0:0:1]', '[0000::0001]'],
  ...['[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[0:0:0:0:0:ffff:127.0.0.1]', '[::127.0.0.1]', '[::7f00:1]', '[::ffff:0:0]'],
  ...['10.0.0.1', '10.255.255.255', '167772161', '0x0a000001', '012.0.0.1', '172.16.0.1', '172.31.255.254', '0xac.0x10.1'],
  ...['192.168.0.1', '192.168.1.1', '3232235777', '0300.0250.1.1', '100.64.0.1', '100.127.255.254', '[::ffff:10.0.0.1]'],
  ...['169.254.169.254', '169.254.0.1', '2852039166', '0xa9fea9fe', '0251.0376.0251.0376', '[::ffff:169.254.169.254]'],
  ...['[::ffff:a9fe:a9fe]', '[fd00:ec2::254]', '[fd20:ce::254]', '100.100.100.200', '192.0.0.192', '[fc00::1]', '[fdff::1]'],
  ...['[fe80::1]', '[febf::1]', '[fec0::1]', '[64:ff9b::7f00:1]', '[64:ff9b::169.254.169.254]', '[64:ff9b:1::a00:1]'],
  ...['[2002:7f00:1::]', '[2002:a9fe:a9fe::1]', '[2002:c0a8:101::]', '[2001:0:53aa:64c::1]', '[2001:db8::1]', '[ff02::1]'],
  ...['224.0.0.1', '239.255.255.250', '255.255.255.255', '240.0.0.1', '192.0.2.1', '198.18.0.1', '198.51.100.1', '203.0.113.1'],
  ...[
    '168.63.129.16',
    '2822734096',
    '[::ffff:168.63.129.16]',
    '192.31.196.1',
    '192.52.193.1',
    '192.175.48.42',
    '[2620:4f:8000::6]',
  ],
  ...['[::ffff:0:127.0.0.1]', '[100::1]', '[5f00::1]', '[3fff::1]', 'localhost', 'LOCALHOST'],
]

describe('The reach of deliveries', () => {
  let server: Server
  let port: number
  let connections = 0
  const agents: Agent[] = []
  before(async () => {
    server = createServer((_, response) => response.end('reached'))
    server.on('connection', () => {
      connections += 1
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  })
  beforeEach(() => {
    connections = 0
  })
  afterEach(() => Promise.all(agents.splice(0).map((agent) => agent.destroy())))
  after(async () => {
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  })

  /** What a POST came to: the answer's body, or the code of what went wrong. */
  async function post(
    host: string,
    reach: Reach,
    resolve?: Parameters<typeof guardedConnector>[1]['resolve'],
  ): Promise<string> {
    const agent = new Agent({ connect: guardedConnector(reach, { timeout: 15_000, ...(resolve ? { resolve } : {}) }) })
    agents.push(agent)
    try {
      const { body } = await request(`http://${host}:${port}/`, { dispatcher: agent, method: 'POST', headersTimeout: 15_000 })
      return await body.text()
    } catch (error) {
      return String((error as { code?: unknown }).code)
    }
  }

  it(`of partners ends before ${HOSTS_CLOSED_TO_PARTNERS.length} ways to write an address of our own, at the dial`, async () => {
    expect(HOSTS_CLOSED_TO_PARTNERS.length).to.be.at.least(60)
    for (const host of HOSTS_CLOSED_TO_PARTNERS) expect(await post(host, PUBLIC), host).to.equal('DELIVERY_ADDRESS_REFUSED')
    expect(connections).to.equal(0)
  })

  it('is checked on the address that is dialled, so a name that changes its mind gains nothing', async () => {
    const answers = ['127.0.0.1', '127.0.0.2']
    let asked = 0
    const rebinding: Parameters<typeof guardedConnector>[1]['resolve'] = (_, done) =>
      done(null, [{ address: answers[asked++] ?? '', family: 4 }])
    const onlyTheFirst: Reach = { scope: 'public', allow: ['127.0.0.1'] }
    // One question for one dial: the answer that was checked is the one that is dialled.
    expect(await post('rebinding.example', onlyTheFirst, rebinding)).to.equal('reached')
    expect(asked).to.equal(1)
    expect(await post('rebinding.example', onlyTheFirst, rebinding)).to.equal('DELIVERY_ADDRESS_REFUSED')
    expect(connections).to.equal(1)
  })

  it('asks for a name once, however many connect to it at a time, and for another beside it', async () => {
    const asked: string[] = []
    const answers = new Map<string, () => void>()
    const resolve = sharing((hostname, done) => {
      asked.push(hostname)
      answers.set(hostname, () => done(null, [{ address: '127.0.0.1', family: 4 }]))
    })
    const isAsked = (names: number) => until(`${names} names are asked for`, () => answers.size === names)
    const slow = [1, 2, 3].map(() => post('slow.example', INTERNAL, resolve))
    const quick = post('quick.example', INTERNAL, resolve)
    await isAsked(2)
    answers.get('quick.example')?.()
    expect(await quick).to.equal('reached')
    answers.get('slow.example')?.()
    expect(await Promise.all(slow)).to.deep.equal(['reached', 'reached', 'reached'])
    expect(asked.toSorted()).to.deep.equal(['quick.example', 'slow.example'])
    answers.clear()
    const later = post('slow.example', INTERNAL, resolve)
    await isAsked(1)
    answers.get('slow.example')?.()
    expect(await later, 'an answer is for those who waited for it').to.equal('reached')
  })

  it('leaves out the closed ones among several addresses of a name', async () => {
    const mixed: Parameters<typeof guardedConnector>[1]['resolve'] = (_, done) =>
      done(null, [
        { address: '169.254.169.254', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ])
    expect(await post('mixed.example', INTERNAL, mixed)).to.equal('reached')
    expect(await post('mixed.example', PUBLIC, mixed)).to.equal('DELIVERY_ADDRESS_REFUSED')
  })

  it('of services that the operator names takes in private networks and this machine, but no metadata service', async () => {
    expect(await post('127.0.0.1', INTERNAL)).to.equal('reached')
    expect(await post('localhost', INTERNAL)).to.equal('reached')
    const isOpen = reachable(INTERNAL)
    for (const address of ['10.0.0.1', '172.20.1.1', '192.168.3.7', '100.64.0.9', 'fd12::1', '::1', '8.8.8.8', '2a00:1450::1'])
      expect(isOpen(address), address).to.equal(true)
    for (const address of [
      '169.254.169.254',
      'fd00:ec2::254',
      '100.100.100.200',
      '168.63.129.16',
      'fe80::1%eth0',
      '0.0.0.0',
      '::ffff:169.254.1.1',
    ])
      expect(isOpen(address), address).to.equal(false)
  })

  it('is widened by the networks that the configuration names, and by nothing else', async () => {
    expect(await post('127.0.0.1', { scope: 'public', allow: ['127.0.0.0/8'] })).to.equal('reached')
    expect(await post('[::ffff:127.0.0.1]', { scope: 'public', allow: ['127.0.0.1'] })).to.equal('reached')
    const isOpen = reachable({ scope: 'public', allow: ['10.1.0.0/16', 'fd12::/48'] })
    expect(['10.1.2.3', 'fd12::9', '10.2.0.1', 'fd13::1'].map(isOpen)).to.deep.equal([true, true, false, false])
  })

  it('is widened to link-local addresses and metadata services only by what is meant for them', () => {
    const METADATA = ['169.254.169.254', '168.63.129.16', '100.100.100.200', '192.0.0.192', '::ffff:169.254.169.254', 'fe80::1']
    const AROUND = ['fd00:ec2::254', '64:ff9b::a9fe:a9fe', '2002:a9fe:a9fe::1', '2001:0:1::5601:5601', '::a9fe:a9fe']
    const wide = ['0.0.0.0/0', '::/0', '169.0.0.0/8', '168.63.129.0/24', '100.64.0.0/10', 'fc00::/7', 'fe00::/8', '2000::/3']
    for (const scope of ['public', 'internal'] as const) {
      const isOpen = reachable({ scope, allow: wide })
      for (const address of [...METADATA, ...AROUND]) expect(isOpen(address), address).to.equal(false)
      // What a wide network is for stays open.
      for (const address of ['10.0.0.1', '127.0.0.1', '::1', 'fd00::1', '168.63.129.17', '203.0.113.1'])
        expect(isOpen(address), address).to.equal(true)
    }
    const isMeant = reachable({
      scope: 'public',
      allow: ['169.254.7.0/24', 'fe80::/64', '168.63.129.16', '64:ff9b::a9fe:a9fe'],
    })
    for (const address of ['169.254.7.9', 'fe80::1%eth0', '168.63.129.16', '64:ff9b::a9fe:a9fe'])
      expect(isMeant(address), address).to.equal(true)
    for (const address of ['169.254.169.254', 'fe80:1::1', '64:ff9b::a9fe:a9ff'])
      expect(isMeant(address), address).to.equal(false)
  })

  it('lets the Internet through', () => {
    const isOpen = reachable(PUBLIC)
    for (const address of [
      '8.8.8.8',
      '1.1.1.1',
      '100.63.255.255',
      '172.32.0.1',
      '2606:4700::1111',
      '2a00:1450:4001::1',
      '168.63.129.15',
    ])
      expect(isOpen(address), address).to.equal(true)
    expect(isOpen('no address')).to.equal(false)
  })
})
