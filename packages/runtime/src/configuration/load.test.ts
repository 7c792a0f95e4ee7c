import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { describeConfiguration } from './describe.ts'
import type { Environment, SchemaPart } from './document.ts'
import { ConfigurationError } from './error.ts'
import { loadConfiguration, variables } from './load.ts'
import { FileSchema } from './schema.ts'

const password = randomBytes(9).toString('hex')
const token = randomBytes(24).toString('base64url')
const masterKey = randomBytes(32)
const environment: Environment = {
  TRIBUTARY_DATABASE_URL: `mysql://tributary:${password}@db.example:3306/hub`,
  TRIBUTARY_MASTER_KEY: masterKey.toString('base64'),
  EBAY_CHALLENGE_TOKEN: token,
}

describe('loading the configuration', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tributary-configuration-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  async function load(yaml: string, variables: Environment = environment) {
    const file = join(folder, 'tributary.yaml')
    await writeFile(file, yaml)
    return loadConfiguration({ file, environment: variables })
  }

  async function refusal(yaml: string, variables: Environment = environment): Promise<ConfigurationError> {
    try {
      await load(yaml, variables)
    } catch (error) {
      expect(error).to.be.instanceOf(ConfigurationError)
      return error as ConfigurationError
    }
    throw new Error('the configuration was accepted')
  }

  it('needs no file: the environment and the defaults are enough', async () => {
    const configuration = await loadConfiguration({ environment })
    expect(configuration).to.deep.include({
      databaseUrl: environment['TRIBUTARY_DATABASE_URL'],
      logUrl: environment['TRIBUTARY_DATABASE_URL'],
      partitions: 8,
      server: { host: '127.0.0.1', port: 8080 },
      consumerGroups: { orderSpi: 'egOrderSpiConsumerGroup', weworkEventWebhook: 'egWeworkEventWebhookConsumerGroup' },
    })
    expect(configuration.masterKeys).to.deep.equal([masterKey])
    expect(configuration).not.to.have.property('ebay')
  })

  it('reads the file that operators already have, and leaves the keys of others alone', async () => {
    const configuration = await load(`
rocketmq:
  name-server: rocketmq.example:30938
  producer: { group: qifu-saas-eg, sendMessageTimeout: 10000 }
qifu:
  eg:
    ebay:
      authorize-url: https://auth.sandbox.ebay.com/oauth2/authorize
      token-url: https://api.sandbox.ebay.com/identity/v1/oauth2/token
      order-url: https://api.sandbox.ebay.com/sell/fulfillment/v1/order
      shipping-fulfillment-url: https://api.sandbox.ebay.com/sell/fulfillment/v1/order/{orderId}/shipping_fulfillment
      challenge-verification-token: '\${EBAY_CHALLENGE_TOKEN}'
      notification-endpoint: 'https://gateway.example/open/order/callback/1'
    consumer-group:
      order-spi: egOrderSpiConsumerGroup
      wework-event-webhook: egWeworkEventWebhookConsumerGroup
    wework-map:
      keyfil:
        webhooks:
          - url: http://partner.example:18080/api/pssystem/event/changeContact
            timeout: 6000
            events:
              - change_contact
yuanmeng:
  web: { filter: { enable-user-login: true, external-url-list: ["/v3/api-docs"] } }
`)
    expect(configuration.ebay).to.deep.equal({
      authorizeUrl: 'https://auth.sandbox.ebay.com/oauth2/authorize',
      tokenUrl: 'https://api.sandbox.ebay.com/identity/v1/oauth2/token',
      orderUrl: 'https://api.sandbox.ebay.com/sell/fulfillment/v1/order',
      shippingFulfillmentUrl: 'https://api.sandbox.ebay.com/sell/fulfillment/v1/order/{orderId}/shipping_fulfillment',
      publicKeyUrl: 'https://api.sandbox.ebay.com/commerce/notification/v1/public_key/{kid}',
      userUrl: 'https://apiz.sandbox.ebay.com/commerce/identity/v1/user/',
      challengeVerificationToken: token,
      notificationEndpoint: 'https://gateway.example/open/order/callback/1',
    })
  })

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
    ]
    for (const [text = '', key] of wrong)
      expect(
        (await refusal(hosts(text))).problems.map((problem) => problem.key),
        text,
      ).to.deep.equal([`tributary.delivery.hosts.partner.example.${key}`])
    expect((await refusal(hosts('proxy: socks'))).message).to.include('http://proxy.internal:3128')
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

  it('fills environment variables into texts and numbers', async () => {
    const configuration = await load(
      `
tributary:
  server: { host: "\${HOST_NAME}", port: "\${PORT}" }
qifu: { eg: { spi: { services: { warehouse: "http://\${HOST_NAME}:\${PORT}/orders" } } } }
`,
      { ...environment, HOST_NAME: '0.0.0.0', PORT: '9090' },
    )
    expect(configuration.server).to.deep.equal({ host: '0.0.0.0', port: 9090 })
    expect(configuration.spiServices).to.deep.equal({ warehouse: 'http://0.0.0.0:9090/orders' })
  })

  it('lets the variables of Tributary override the file', async () => {
    const variables = {
      ...environment,
      TRIBUTARY_PORT: '7070',
      TRIBUTARY_LOG_LEVEL: 'debug',
      TRIBUTARY_LOG_URL: 'mysql://log.example/events',
    }
    const configuration = await load('tributary: { server: { host: 0.0.0.0, port: 1 }, logging: { level: warn } }', variables)
    expect(configuration.server).to.deep.equal({ host: '0.0.0.0', port: 7070 })
    expect(configuration.logging.level).to.equal('debug')
    expect(configuration.logUrl).to.equal('mysql://log.example/events')
  })

  it('reads addresses from files that the environment names', async () => {
    const { TRIBUTARY_DATABASE_URL: url = '', ...others } = environment
    const file = join(folder, 'address')
    await writeFile(file, `${url}\n`)
    const configuration = await load('', { ...others, TRIBUTARY_DATABASE_URL_FILE: file })
    expect(configuration.databaseUrl).to.equal(url)
    const both = await refusal('', { ...environment, TRIBUTARY_DATABASE_URL_FILE: file })
    expect(both.problems.map(({ key }) => key)).to.deep.equal(['TRIBUTARY_DATABASE_URL_FILE'])
    const missing = await refusal('', { ...others, TRIBUTARY_DATABASE_URL_FILE: `${file}.missing` })
    expect(missing.problems.map(({ key }) => key)).to.deep.equal(['TRIBUTARY_DATABASE_URL_FILE'])
  })

  it('names a wrong variable by its own name', async () => {
    const error = await refusal('', { ...environment, TRIBUTARY_PORT: 'eighty', TRIBUTARY_LOG_LEVEL: 'loud' })
    expect(error.problems.map(({ key }) => key)).to.have.members(['TRIBUTARY_PORT', 'TRIBUTARY_LOG_LEVEL'])
  })

  it('lists every problem at once, with key, line, what was expected, the kind found and the fix', async () => {
    const error = await refusal(
      `qifu:
  eg:
    ebay:
      token-url: 12
      order-url: [https://api.ebay.com]
      challenge-verification-token: \${NOT_SET}
    spi:
      services:
        warehouse: ftp://somewhere
tributary:
  server: { port: 99999 }
  telemetry: 5
`,
      { TRIBUTARY_MASTER_KEY: 'short' },
    )
    const found = error.problems.map(({ key, line, found: kind }) => `${key} ${line ?? '-'} ${kind}`)
    expect(found).to.deep.equal([
      'qifu.eg.ebay.token-url 4 a number',
      'qifu.eg.ebay.order-url 5 a list',
      'qifu.eg.ebay.challenge-verification-token 6 nothing',
      'qifu.eg.spi.services.warehouse 9 a text of another form',
      'tributary.server.port 11 a number out of range',
      'tributary.telemetry 12 a number',
      'TRIBUTARY_MASTER_KEY - 3 bytes in key 1',
      'TRIBUTARY_DATABASE_URL - nothing',
    ])
    for (const problem of error.problems) {
      expect(error.message).to.contain(
        `${problem.key}${problem.line ? ` (line ${problem.line})` : ''}: expected ${problem.expected}`,
      )
      expect(problem.fix).to.match(/\.|\?$/)
    }
    expect(error.message).to.contain('NOT_SET')
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

  it('says which known key an unknown one resembles', async () => {
    const error = await refusal(`
qifu:
  eg:
    ebay: { tokenUrl: x }
    consumer-grup: {}
tributry: { profile: sandbox }
tributary: { order-sync: { polling: 1 } }
tributary.server.port: 80
`)
    const fixes = Object.fromEntries(error.problems.map(({ key, fix }) => [key, fix]))
    expect(fixes['qifu.eg.ebay.tokenUrl']).to.equal('Did you mean qifu.eg.ebay.token-url?')
    expect(fixes['qifu.eg.consumer-grup']).to.equal('Did you mean qifu.eg.consumer-group?')
    expect(fixes['tributry']).to.equal('Did you mean tributary?')
    expect(fixes['tributary.order-sync.polling']).to.contain('Known here: poll-interval-seconds')
    expect(fixes['tributary.server.port']).to.contain('indented')
  })

  it('never repeats a value, which may be a secret', async () => {
    const secrets = ['s3cret-token-of-the-wrong-form!', password]
    const error = await refusal(`
tributary: { database: { url: "mysql://tributary:${password}@db.example/hub" }, profile: ${secrets[0]} }
qifu: { eg: { ebay: { challenge-verification-token: "${secrets[0]}" } } }
`)
    expect(error.problems.map(({ key }) => key)).to.have.members([
      'tributary.database.url',
      'tributary.profile',
      'qifu.eg.ebay.challenge-verification-token',
    ])
    for (const secret of secrets) expect(error.message).not.to.contain(secret)
  })

  it('takes no password from the file, though it takes one that the environment puts there', async () => {
    const filled = await load(`tributary: { database: { url: "mysql://tributary:\${DB_PASSWORD}@db.example/hub" } }`, {
      TRIBUTARY_MASTER_KEY: masterKey.toString('hex'),
      DB_PASSWORD: password,
    })
    expect(filled.databaseUrl).to.equal(`mysql://tributary:${password}@db.example/hub`)
    expect(filled.masterKeys).to.deep.equal([masterKey])
  })

  it('reports YAML that cannot be read by its line, without quoting it', async () => {
    const error = await refusal(`tributary:\n  profile: sandbox\n  profile: "${password}"\n`)
    expect(error.problems[0]).to.include({ key: '(the file)', line: 3 })
    expect(error.message).not.to.contain(password)
  })

  it('reads several master keys from a file, the first for sealing', async () => {
    const other = randomBytes(32)
    const file = join(folder, 'keys')
    await writeFile(file, `${masterKey.toString('base64')}\n${other.toString('hex')}\n`)
    const { TRIBUTARY_DATABASE_URL } = environment
    const configuration = await loadConfiguration({ environment: { TRIBUTARY_DATABASE_URL, TRIBUTARY_MASTER_KEY_FILE: file } })
    expect(configuration.masterKeys).to.deep.equal([masterKey, other])
  })

  it('says so when a named file is not there', async () => {
    const missing = join(folder, 'missing.yaml')
    const error = await loadConfiguration({ environment: { ...environment, TRIBUTARY_CONFIG: missing } }).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect(error).to.be.instanceOf(ConfigurationError).with.property('message').that.contains('no such file')
  })

  it('describes itself without secrets', async () => {
    const configuration = await load(`
tributary: { profile: sandbox }
qifu:
  eg:
    ebay:
      challenge-verification-token: "\${EBAY_CHALLENGE_TOKEN}"
      notification-endpoint: https://gateway.example/open/order/callback/1
`)
    const described = JSON.stringify(describeConfiguration(configuration))
    for (const secret of [password, token, masterKey.toString('base64'), masterKey.toString('hex')]) {
      expect(described).not.to.contain(secret)
    }
    expect(described).to.contain('db.example').and.to.contain('"challengeVerificationToken":"set"')
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

  describe('and its manual', () => {
    const documents = join(import.meta.dirname, '../../../../docs')

    it('hold an example that can be used', async () => {
      const withPassword = { ...environment, DATABASE_PASSWORD: password }
      const configuration = await loadConfiguration({
        file: join(documents, 'tributary.example.yaml'),
        environment: withPassword,
      })
      expect(configuration.ebay?.tokenUrl).to.contain('sandbox')
    })

    it('name every key and every variable', async () => {
      const manual = await readFile(join(documents, 'configuration.md'), 'utf8')
      for (const key of keysOf(FileSchema as SchemaPart)) expect(manual).to.contain(`\`${key}`)
      for (const name of Object.keys(variables)) expect(manual).to.contain(name)
    })
  })
})

/** Every key that holds a value, with dots. Names that operators choose are left out. */
function keysOf(schema: SchemaPart, path: string[] = []): string[] {
  const below = Object.entries(schema.properties ?? {})
  return below.length === 0 ? [path.join('.')] : below.flatMap(([name, inner]) => keysOf(inner, [...path, name]))
}
