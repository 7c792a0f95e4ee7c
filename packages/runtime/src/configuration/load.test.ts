import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { describeConfiguration } from './describe.ts'
import type { SchemaPart } from './document.ts'
import { ConfigurationError } from './error.ts'
import { loadConfiguration, variables } from './load.ts'
import { FileSchema } from './schema.ts'
import { environment, masterKey, password, token, yamlFiles } from './testing/yaml-files.ts'

describe('loading the configuration', () => {
  const { folder, load, refusal } = yamlFiles()

  it('needs no file: the environment and the defaults are enough', async () => {
    const configuration = await loadConfiguration({ environment })
    expect(configuration).to.deep.include({
      databaseUrl: environment['TRIBUTARY_DATABASE_URL'],
      logUrl: environment['TRIBUTARY_DATABASE_URL'],
      partitions: 8,
      server: { host: '127.0.0.1', port: 8080, trustedProxies: [] },
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

  it('fills environment variables into texts and numbers', async () => {
    const configuration = await load(
      `
tributary:
  server: { host: "\${HOST_NAME}", port: "\${PORT}" }
qifu: { eg: { spi: { services: { warehouse: "http://\${HOST_NAME}:\${PORT}/orders" } } } }
`,
      { ...environment, HOST_NAME: '0.0.0.0', PORT: '9090' },
    )
    expect(configuration.server).to.deep.include({ host: '0.0.0.0', port: 9090 })
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
    expect(configuration.server).to.deep.include({ host: '0.0.0.0', port: 7070 })
    expect(configuration.logging.level).to.equal('debug')
    expect(configuration.logUrl).to.equal('mysql://log.example/events')
  })

  it('reads addresses from files that the environment names', async () => {
    const { TRIBUTARY_DATABASE_URL: url = '', ...others } = environment
    const file = join(folder(), 'address')
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
    const file = join(folder(), 'keys')
    await writeFile(file, `${masterKey.toString('base64')}\n${other.toString('hex')}\n`)
    const { TRIBUTARY_DATABASE_URL } = environment
    const configuration = await loadConfiguration({ environment: { TRIBUTARY_DATABASE_URL, TRIBUTARY_MASTER_KEY_FILE: file } })
    expect(configuration.masterKeys).to.deep.equal([masterKey, other])
  })

  it('says so when a named file is not there', async () => {
    const missing = join(folder(), 'missing.yaml')
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
