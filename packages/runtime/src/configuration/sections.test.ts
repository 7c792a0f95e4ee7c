import { expect } from 'chai'
import { describeConfiguration } from './describe.ts'
import { environment, password, yamlFiles } from './testing/yaml-files.ts'

describe('a section of the configuration', () => {
  const { load, refusal } = yamlFiles()

  it('takes every eBay address from the profile', async () => {
    const { ebay } = await load('tributary: { profile: production }')
    expect(ebay).to.deep.equal({
      authorizeUrl: 'https://auth.ebay.com/oauth2/authorize',
      tokenUrl: 'https://api.ebay.com/identity/v1/oauth2/token',
      orderUrl: 'https://api.ebay.com/sell/fulfillment/v1/order',
      shippingFulfillmentUrl: 'https://api.ebay.com/sell/fulfillment/v1/order/{orderId}/shipping_fulfillment',
      publicKeyUrl: 'https://api.ebay.com/commerce/notification/v1/public_key/{kid}',
      userUrl: 'https://apiz.ebay.com/commerce/identity/v1/user/',
    })
  })

  it('takes networks that deliveries may go to, and names one that is none', async () => {
    const { delivery } = await load("tributary: { delivery: { allow-addresses: ['10.1.0.0/16', 'fd12::/48', '192.168.3.7'] } }")
    expect(delivery.allowAddresses).to.deep.equal(['10.1.0.0/16', 'fd12::/48', '192.168.3.7'])
    const error = await refusal("tributary: { delivery: { allow-addresses: ['10.1.0.0/33'] } }")
    expect(error.message).to.contain('10.1.0.0/33').and.to.contain('tributary.delivery.allow-addresses')
  })

  it('takes the proxies that say who calls, and names one that is none', async () => {
    const { server } = await load("tributary: { server: { trusted-proxies: ['10.1.0.0/16', '::1'] } }")
    expect(server.trustedProxies).to.deep.equal(['10.1.0.0/16', '::1'])
    const error = await refusal('tributary: { server: { trusted-proxies: [everybody] } }')
    expect(error.message).to.contain('everybody').and.to.contain('tributary.server.trusted-proxies')
  })

  it('takes the ways to hosts, shows no password of a proxy, and names a certificate and key that are no pair', async () => {
    const hosts = (text: string) => `tributary: { delivery: { hosts: { partner.example: { ${text} } } } }`
    const variables = { ...environment, PROXY_PASSWORD: password }
    const configuration = await load(hosts(`proxy: "http://us:\${PROXY_PASSWORD}@proxy.example:3128"`), variables)
    expect(configuration.delivery.hosts).to.deep.equal({
      'partner.example': { proxy: `http://us:${password}@proxy.example:3128` },
    })
    expect(JSON.stringify(describeConfiguration(configuration)))
      .to.include('proxy.example')
      .and.not.to.include(password)
    const here = import.meta.filename
    const wrong = [
      [`certificate-file: ${here}`, 'key-file'],
      [`key-file: ${here}`, 'certificate-file'],
      [`certificate-file: ${here}, key-file: /nowhere`, 'key-file'],
      [`certificate-file: ${here}, key-file: ${here}`, 'certificate-file'],
      ['certificate-file: /dev/null, key-file: /dev/null', 'certificate-file'],
      ['certificate-file: /, key-file: /', 'certificate-file'],
    ]
    for (const [text = '', key] of wrong)
      expect(
        (await refusal(hosts(text))).problems.map((problem) => problem.key),
        text,
      ).to.deep.equal([`tributary.delivery.hosts.partner.example.${key}`])
    expect((await refusal(hosts('proxy: socks'))).message).to.include('http://proxy.internal:3128')
  })

  it('takes how an endpoint is treated, by its name, and names what is none', async () => {
    const endpoints = (text: string) => `tributary: { delivery: { endpoints: { "group:warehouse": { ${text} } } } }`
    const { delivery } = await load(endpoints('order: strict, exhausted: latest, schedule-seconds: [5, 60], per-second: 3'))
    expect(delivery.endpoints).to.deep.equal({
      'group:warehouse': { order: 'strict', exhausted: 'latest', schedule: [5_000, 60_000], perSecond: 3 },
    })
    for (const wrong of [
      'order: any',
      'exhausted: drop',
      'schedule-seconds: [0]',
      'schedule-seconds: []',
      'per-second: 0',
      'other: 1',
    ])
      expect((await refusal(endpoints(wrong))).message, wrong).to.contain('tributary.delivery.endpoints.group:warehouse')
  })

  it('takes how services are found, shows no password of Nacos, and names what does not go together', async () => {
    const discovery = (text: string) => `qifu: { eg: { spi: { discovery: { ${text} } } } }`
    const nacos = `nacos: { url: "http://nacos.example:8848/nacos/", username: tributary, password: "\${NACOS_PASSWORD}" }`
    const variables = { ...environment, NACOS_PASSWORD: password }
    const configuration = await load(discovery(`address: "http://{instance}/spi", ${nacos}`), variables)
    expect(configuration.spiDiscovery).to.deep.equal({
      address: 'http://{instance}/spi',
      nacos: {
        ...{ url: 'http://nacos.example:8848/nacos', namespace: 'public', group: 'DEFAULT_GROUP' },
        login: { username: 'tributary', password },
      },
    })
    expect(JSON.stringify(describeConfiguration(configuration)))
      .to.include('nacos.example')
      .and.not.to.include(password)
    const byName = await load(discovery('address: "http://{server_name}.internal:8080/spi"'))
    expect(byName.spiDiscovery).to.deep.equal({ address: 'http://{server_name}.internal:8080/spi' })
    const wrong = [
      ['address: "http://here.example/spi"', 'address'],
      ['address: "http://{instance}/spi"', 'address'],
      ['address: "http://{server_name}/spi", srv: "_http._tcp.{server_name}.example"', 'address'],
      ['address: "http://{instance}/spi", srv: "_http._tcp.warehouse.example"', 'srv'],
      [`address: "http://{instance}/spi", srv: "_http._tcp.{server_name}.example", nacos: { url: "http://n.example" }`, 'srv'],
      ['address: "http://{instance}/spi", nacos: { url: "http://n.example", username: tributary }', 'nacos'],
    ]
    for (const [text = '', key] of wrong)
      expect(
        (await refusal(discovery(text))).problems.map((problem) => problem.key),
        text,
      ).to.deep.equal([`qifu.eg.spi.discovery.${key}`])
  })

  it('lets no sandbox address into production', async () => {
    const error = await refusal(`
tributary: { profile: production }
qifu: { eg: { ebay: { order-url: https://api.sandbox.ebay.com/sell/fulfillment/v1/order } } }
`)
    expect(error.problems.map(({ key }) => key)).to.deep.equal(['qifu.eg.ebay.order-url'])
  })

  it('asks for the addresses of a marketplace that it cannot guess', async () => {
    const error = await refusal('qifu: { eg: { ebay: { token-url: http://127.0.0.1:9000/token } } }')
    expect(error.problems.map(({ key }) => key)).to.include.members(['qifu.eg.ebay.authorize-url', 'qifu.eg.ebay.user-url'])
  })

  it('wants token and endpoint of the challenge together', async () => {
    const error = await refusal(`
tributary: { profile: sandbox }
qifu: { eg: { ebay: { challenge-verification-token: "\${EBAY_CHALLENGE_TOKEN}" } } }
`)
    expect(error.problems).to.have.length(1)
    expect(error.message).to.contain('qifu.eg.ebay.notification-endpoint')
  })

  it('has a spool where a folder is named for it, and bounds it', async () => {
    expect((await load('tributary: { ingest: {} }')).ingest).to.deep.equal({})
    const named = await load('tributary: { ingest: { spool: { folder: /var/spool/tributary } } }')
    expect(named.ingest).to.deep.equal({ spool: { folder: '/var/spool/tributary', maxBytes: 536_870_912 } })
    const error = await refusal('tributary: { ingest: { spool: { max-bytes: 1000 } } }')
    expect(error.problems.map(({ key }) => key).sort()).to.deep.equal([
      'tributary.ingest.spool.folder',
      'tributary.ingest.spool.max-bytes',
    ])
  })

  it("reads Amazon's queue and topics, wants both halves of its key or none, and shows neither", async () => {
    const secrets = { QUEUE_ID: 'AKIAHIDDEN0000000001', QUEUE_SECRET: 'hidden-secret' }
    const yaml = (more = '') => `
qifu:
  eg:
    amazon:
      sns-topics: ['arn:aws:sns:eu-west-1:123456789012:order-change']
      queue: { url: 'https://sqs.eu-west-1.amazonaws.com/123456789012/order-change'${more} }
`
    const key = `, access-key-id: '\${QUEUE_ID}', secret-access-key: '\${QUEUE_SECRET}'`
    const { amazon } = await load(yaml())
    expect(amazon).to.deep.include({ draft: false, topics: ['arn:aws:sns:eu-west-1:123456789012:order-change'] })
    expect(amazon?.queue).to.deep.equal({ url: 'https://sqs.eu-west-1.amazonaws.com/123456789012/order-change' })
    expect(amazon?.apiUrls).to.have.all.keys('na', 'eu', 'fe')
    const whole = await load(yaml(key), { ...environment, ...secrets })
    expect(whole.amazon?.queue?.credentials).to.deep.equal({
      accessKeyId: 'AKIAHIDDEN0000000001',
      secretAccessKey: 'hidden-secret',
    })
    const described = JSON.stringify(describeConfiguration(whole))
    expect(described).not.to.match(/hidden/i)
    expect(described).to.contain('sqs.eu-west-1')
    const half = await refusal(yaml(`, access-key-id: '\${QUEUE_ID}'`), { ...environment, ...secrets })
    expect(half.problems.map((problem) => problem.key)).to.deep.equal(['qifu.eg.amazon.queue.secret-access-key'])
    const wrong = await refusal("qifu: { eg: { amazon: { sns-topics: ['order-change'], api-url: 'http://api.example' } } }")
    expect(wrong.problems.map((problem) => problem.key)).to.have.members([
      'qifu.eg.amazon.sns-topics.0',
      'qifu.eg.amazon.api-url',
    ])
  })

  it('reads what protects the callbacks of WeCom, and shows none of it', async () => {
    const secrets = { WECOM_TOKEN: 'hiddenToken', WECOM_AES_KEY: 'h1dden'.padEnd(43, 'A'), WECOM_SECRET: 'hidden-secret' }
    const yaml = (token: string) => `
qifu:
  eg:
    wework-map:
      keyfil:
        suite: { suite-id: ww1, provider-corp-id: ww2, token: ${token}, encoding-aes-key: '\${WECOM_AES_KEY}', secret: '\${WECOM_SECRET}' }
        corps: { wp1: { schema: directory_a, directory: contacts-edit } }
        self-built:
          app: { corp-id: ww3, token: '\${WECOM_TOKEN}', encoding-aes-key: '\${WECOM_AES_KEY}' }
`
    const configuration = await load(yaml(`'\${WECOM_TOKEN}'`), { ...environment, ...secrets })
    expect(configuration.wework['keyfil']).to.deep.include({
      apiUrl: 'https://qyapi.weixin.qq.com/cgi-bin',
      corps: { wp1: { schema: 'directory_a', directory: 'contacts-edit' } },
    })
    expect(configuration.wework['keyfil']?.suite).to.include({ suiteId: 'ww1', providerCorpId: 'ww2', secret: 'hidden-secret' })
    expect(configuration.wework['keyfil']?.selfBuilt['app']).to.include({ corpId: 'ww3', directory: 'departments' })
    expect(JSON.stringify(describeConfiguration(configuration))).not.to.match(/h[i1]dden/)
    const { problems } = await refusal(yaml("'with space'"), { ...environment, ...secrets })
    expect(problems.map(({ key }) => key)).to.deep.equal(['qifu.eg.wework-map.keyfil.suite.token'])
  })

  it('refuses names of customers and of their apps that no table could hold', async () => {
    const yaml = (customer: number, app: number) => `
qifu: { eg: { wework-map: { ${'客'.repeat(customer)}: { self-built: { ${'a'.repeat(app)}: { corp-id: ww3, token: abc, encoding-aes-key: ${'k'.repeat(43)} } } } } } }
`
    expect(Object.keys((await load(yaml(100, 64))).wework)).to.deep.equal(['客'.repeat(100)])
    const keys = async (customer: number, app: number) =>
      (await refusal(yaml(customer, app))).problems.map(({ key, expected }) => `${key}: ${expected}`)
    expect(await keys(101, 64)).to.deep.equal(['qifu.eg.wework-map: names of 1 to 100 characters'])
    expect(await keys(1, 65)).to.deep.equal(['qifu.eg.wework-map.客.self-built: names of 1 to 64 characters'])
  })

  it('reads how the HTTP API is entered, and that it cannot be opened to everybody', async () => {
    const configuration = await load(`
yuanmeng: { web: { filter: { enable-user-login: true, external-url-list: ['/v3/api-docs', '/callback'] } } }
tributary:
  console: { requests-per-minute: 60, oidc: { issuer: 'https://login.example', audience: tributary } }
`)
    expect(configuration.console).to.deep.equal({
      requestsPerMinute: 60,
      issuer: { issuer: 'https://login.example', audience: 'tributary' },
      externalUrls: ['/v3/api-docs', '/callback'],
    })
    expect((await load('')).console).to.deep.equal({ requestsPerMinute: 600, externalUrls: [] })
    const { problems } = await refusal(`
yuanmeng: { web: { filter: { enable-user-login: false } } }
tributary: { console: { oidc: { issuer: 'http://login.example' } } }
`)
    expect(problems.map(({ key }) => key)).to.have.members([
      'yuanmeng.web.filter.enable-user-login',
      'tributary.console.oidc.issuer',
      'tributary.console.oidc.audience',
    ])
  })
})
