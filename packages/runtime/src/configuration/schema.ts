import { type Static, type TSchema, Type } from 'typebox'

/** Said beside each value: what is expected, in words, and how to put it right. */
type Words = { expected: string; fix: string }

const closed = { additionalProperties: false } as const
const section = <P extends Record<string, TSchema>>(properties: P) => Type.Object(properties, closed)
const optional = Type.Optional

const text = (words: Words, limits: { pattern?: string; minLength?: number; maxLength?: number } = {}) =>
  Type.String({ minLength: 1, ...limits, ...words })
const count = (minimum: number, maximum: number, words: Words) => Type.Integer({ minimum, maximum, ...words })
const oneOf = <const T extends string>(values: readonly T[]) =>
  Type.Enum(values, { expected: `one of ${values.join(', ')}`, fix: `Write one of: ${values.join(', ')}.` })

/** https everywhere but on this machine: requests to a marketplace carry tokens. */
const webAddress = '^(https://|http://(localhost|127\\.0\\.0\\.1|\\[::1\\])[:/])[^\\s]+$'
const ebayUrl = (example: string, pattern = webAddress) =>
  optional(
    text(
      { expected: `an https address such as ${example}`, fix: 'Write the whole address, or leave it to tributary.profile.' },
      { pattern },
    ),
  )

const Ebay = section({
  'authorize-url': ebayUrl('https://auth.ebay.com/oauth2/authorize'),
  'token-url': ebayUrl('https://api.ebay.com/identity/v1/oauth2/token'),
  'order-url': ebayUrl('https://api.ebay.com/sell/fulfillment/v1/order'),
  'shipping-fulfillment-url': ebayUrl(
    'https://api.ebay.com/sell/fulfillment/v1/order/{orderId}/shipping_fulfillment',
    `(?=.*\\{orderId\\})${webAddress}`,
  ),
  'public-key-url': ebayUrl('https://api.ebay.com/commerce/notification/v1/public_key/{kid}', `(?=.*\\{kid\\})${webAddress}`),
  'user-url': ebayUrl('https://apiz.ebay.com/commerce/identity/v1/user/'),
  'challenge-verification-token': optional(
    text(
      {
        expected: '32 to 80 letters, digits, _ or -',
        fix: `Write the token that is registered at eBay, best as \${EBAY_CHALLENGE_TOKEN}.`,
      },
      { pattern: '^[A-Za-z0-9_-]{32,80}$' },
    ),
  ),
  'notification-endpoint': optional(
    text(
      { expected: 'the https address of the webhook', fix: 'Write the address exactly as it is registered at eBay.' },
      { pattern: '^https?://[^\\s]+$' },
    ),
  ),
})

const channelUrl = (example: string) =>
  optional(
    text(
      { expected: `an https address such as ${example}`, fix: 'Write the whole address, or leave it out.' },
      { pattern: webAddress },
    ),
  )

const Tiktok = section({
  'authorize-url': channelUrl('https://services.tiktokshop.com/open/authorize'),
  'auth-url': channelUrl('https://auth.tiktok-shops.com'),
  'api-url': channelUrl('https://open-api.tiktokglobalshop.com'),
})

const Amazon = section({
  'authorize-url': channelUrl('https://sellercentral-europe.amazon.com/apps/authorize/consent'),
  'token-url': channelUrl('https://api.amazon.com/auth/o2/token'),
  'api-url': channelUrl('https://sandbox.sellingpartnerapi-eu.amazon.com'),
  draft: optional(
    Type.Boolean({ expected: 'true or false', fix: 'Write true while the app is a draft in the Solution Provider Portal.' }),
  ),
  queue: optional(
    section({
      url: text(
        {
          expected: 'the address of a queue such as https://sqs.eu-west-1.amazonaws.com/123456789012/order-change',
          fix: "Write the queue's URL as AWS shows it.",
        },
        { pattern: webAddress },
      ),
      'access-key-id': optional(
        text({ expected: 'the id of an access key', fix: `Write it as \${AWS_KEY_ID}, or leave both halves to the SDK.` }),
      ),
      'secret-access-key': optional(
        text({ expected: 'the secret of an access key', fix: `Write it as \${AWS_SECRET} and set that variable.` }),
      ),
    }),
  ),
  'sns-topics': optional(
    Type.Array(
      text(
        { expected: 'the ARN of a topic', fix: 'For example arn:aws:sns:eu-west-1:123456789012:order-change.' },
        { pattern: '^arn:aws(-[a-z-]+)?:sns:[a-z0-9-]+:\\d{12}:[A-Za-z0-9_.-]{1,256}$' },
      ),
    ),
  ),
})

const Lazada = section({
  'authorize-url': channelUrl('https://auth.lazada.com/oauth/authorize'),
  'auth-url': channelUrl('https://auth.lazada.com/rest'),
  'api-url': channelUrl('https://api-sg.aliexpress.com/rest'),
})

const consumerGroup = text(
  { expected: 'the name of a consumer group', fix: 'Write letters, digits, dots, _ or -, at most 100.' },
  { pattern: '^[A-Za-z0-9._-]{1,100}$' },
)

const serviceUrl = text(
  { expected: 'an http or https address', fix: 'Write where the service of this name takes its calls.' },
  { pattern: '^https?://[^\\s]+$' },
)

const weworkId = (what: string) =>
  text(
    { expected: what, fix: "Write it as WeCom's console shows it: letters, digits, _ or -." },
    { pattern: '^[A-Za-z0-9_-]{1,64}$' },
  )

/** What protects a callback address at WeCom (W91144, W96238). */
const callback = {
  token: text(
    { expected: '1 to 32 letters and digits', fix: `Write the token of the callback address, best as \${WECOM_TOKEN}.` },
    { pattern: '^[A-Za-z0-9]{1,32}$' },
  ),
  'encoding-aes-key': text(
    { expected: '43 letters and digits', fix: `Write the EncodingAESKey of the callback address, best as \${WECOM_AES_KEY}.` },
    { pattern: '^[A-Za-z0-9]{43}$' },
  ),
  secret: optional(
    text({ expected: 'the secret of the suite or app', fix: `Write it as \${WECOM_SECRET} and set that variable.` }),
  ),
}

const directory = {
  schema: optional(
    text(
      { expected: 'the name of a database', fix: 'Name the database that holds the directory tables of this corp.' },
      { pattern: '^[A-Za-z0-9_$-]{1,64}$' },
    ),
  ),
  directory: optional(oneOf(['departments', 'contacts-edit', 'members'])),
}

const Suite = section({
  'suite-id': weworkId('the id of the suite'),
  'provider-corp-id': optional(weworkId("the provider's own corp id")),
  ...callback,
})

const SelfBuilt = section({ 'corp-id': weworkId('the id of the corp'), ...callback, ...directory })

/** A partner who is told of changes of the directories of one customer (docs/webhooks.md). */
const Webhook = section({
  url: serviceUrl,
  timeout: optional(count(1, 600_000, { expected: 'milliseconds', fix: 'Write a whole number from 1 to 600000.' })),
  events: optional(Type.Array(text({ expected: 'the name of an event', fix: 'For example change_contact.' }))),
  secret: optional(
    text({
      expected: 'whsec_ and 24 to 64 bytes in base64',
      fix: `Write it as \${PARTNER_WEBHOOK_SECRET} and set that variable.`,
    }),
  ),
  mode: optional(oneOf(['ce-binary', 'ce-structured', 'compat'])),
  fields: optional(oneOf(['thin', 'full'])),
})

const Eg = section({
  ebay: optional(Ebay),
  tiktok: optional(Tiktok),
  amazon: optional(Amazon),
  lazada: optional(Lazada),
  'consumer-group': optional(
    section({ 'order-spi': optional(consumerGroup), 'wework-event-webhook': optional(consumerGroup) }),
  ),
  spi: optional(section({ services: optional(Type.Record(Type.String(), serviceUrl)) })),
  'wework-map': optional(
    Type.Record(
      Type.String(),
      section({
        webhooks: optional(Type.Array(Webhook)),
        suite: optional(Suite),
        corps: optional(Type.Record(Type.String(), section(directory))),
        'self-built': optional(Type.Record(Type.String(), SelfBuilt)),
        'api-url': optional(
          text({ expected: 'an https address', fix: 'Leave it out to use WeCom itself.' }, { pattern: webAddress }),
        ),
      }),
    ),
  ),
})

const seconds = (minimum: number, maximum: number) =>
  count(minimum, maximum, { expected: `seconds, ${minimum} to ${maximum}`, fix: 'Write a whole number of seconds.' })

/** How deliveries reach a host where that is not the ordinary way. */
const DeliveryHost = section({
  proxy: optional(
    text(
      {
        expected: 'the address of a proxy',
        fix: `For example http://proxy.internal:3128; its password as \${PROXY_PASSWORD}.`,
      },
      { pattern: '^https?://[^\\s]+$' },
    ),
  ),
  'certificate-file': optional(text({ expected: 'a file', fix: 'Name the file of our certificate, PEM, with its chain.' })),
  'key-file': optional(text({ expected: 'a file', fix: 'Name the file of its private key, PEM.' })),
})

const Tributary = section({
  profile: optional(oneOf(['sandbox', 'production'])),
  server: optional(
    section({
      host: optional(text({ expected: 'an address to listen on', fix: 'For example 127.0.0.1, or 0.0.0.0 for all.' })),
      port: optional(count(0, 65_535, { expected: 'a port', fix: 'Write a whole number from 0 to 65535.' })),
    }),
  ),
  database: optional(
    section({
      url: optional(
        text(
          {
            expected: 'an address mysql://user:password@host:port/name',
            fix: 'Best set TRIBUTARY_DATABASE_URL in the environment.',
          },
          { pattern: '^mysql://[^\\s]+/[^\\s/]+$' },
        ),
      ),
    }),
  ),
  log: optional(
    section({
      url: optional(
        text(
          {
            expected: 'an address such as mysql://user:password@host:port/name',
            fix: 'Best set TRIBUTARY_LOG_URL in the environment.',
          },
          { pattern: '^[a-z]+://[^\\s]+$' },
        ),
      ),
      partitions: optional(count(1, 256, { expected: 'a number of partitions', fix: 'Write a whole number from 1 to 256.' })),
    }),
  ),
  logging: optional(
    section({
      level: optional(oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])),
      format: optional(oneOf(['json', 'pretty'])),
    }),
  ),
  telemetry: optional(
    section({
      endpoint: optional(
        text(
          { expected: 'the address of an OTLP/HTTP collector', fix: 'For example http://localhost:4318.' },
          { pattern: '^https?://[^\\s]+$' },
        ),
      ),
      sampling: optional(
        Type.Number({
          minimum: 0,
          maximum: 1,
          expected: 'a share from 0 to 1',
          fix: 'Write 1 for every trace, 0.1 for a tenth.',
        }),
      ),
    }),
  ),
  metrics: optional(
    section({
      host: optional(text({ expected: 'an address to listen on', fix: 'For example 127.0.0.1, or 0.0.0.0 for all.' })),
      port: optional(count(0, 65_535, { expected: 'a port', fix: 'Write a whole number from 0 to 65535.' })),
    }),
  ),
  delivery: optional(
    section({
      'allow-addresses': optional(
        Type.Array(text({ expected: 'a network or an address', fix: 'For example 10.1.0.0/16, or 192.168.3.7.' })),
      ),
      hosts: optional(Type.Record(Type.String(), DeliveryHost)),
      'attempts-days': optional(count(2, 1_000, { expected: 'days, 2 to 1000', fix: 'Write a whole number of days.' })),
    }),
  ),
  ingest: optional(
    section({
      spool: optional(
        section({
          folder: text({ expected: 'a folder', fix: 'Name a folder on a local disk, one for each process that runs ingest.' }),
          'max-bytes': optional(
            count(1_048_576, 1_099_511_627_776, {
              expected: 'bytes, 1048576 to 1099511627776',
              fix: 'Write how much of the disk the spool may fill.',
            }),
          ),
        }),
      ),
    }),
  ),
  console: optional(
    section({
      'requests-per-minute': optional(
        count(1, 1_000_000, {
          expected: 'requests, 1 to 1000000',
          fix: 'Write how many requests a minute one caller may make.',
        }),
      ),
      oidc: optional(
        section({
          issuer: text(
            { expected: 'an https address', fix: "Write the issuer exactly as its tokens name it in 'iss'." },
            { pattern: webAddress },
          ),
          audience: text({ expected: 'the audience of our tokens', fix: "Write what its tokens for us hold in 'aud'." }),
          'jwks-uri': optional(
            text(
              { expected: 'an https address', fix: 'Leave it out to have it found through the issuer.' },
              { pattern: webAddress },
            ),
          ),
        }),
      ),
    }),
  ),
  'order-sync': optional(
    section({
      'poll-interval-seconds': optional(seconds(1, 86_400)),
      'overlap-seconds': optional(seconds(0, 86_400)),
      'reach-back-days': optional(
        count(1, 730, { expected: 'days, 1 to 730', fix: 'Write a whole number; eBay keeps two years.' }),
      ),
      'reminder-days': optional(count(0, 365, { expected: 'days, 0 to 365', fix: 'Write a whole number of days.' })),
      concurrency: optional(count(1, 64, { expected: 'a number of reads, 1 to 64', fix: 'Write a whole number.' })),
    }),
  ),
  'contact-sync': optional(
    section({
      'interval-hours': optional(count(1, 168, { expected: 'hours, 1 to 168', fix: 'Write a whole number of hours.' })),
      'calls-per-second': optional(
        count(1, 150, { expected: 'calls a second, 1 to 150', fix: 'WeCom lets 10,000 a minute through for each corp.' }),
      ),
    }),
  ),
})

/** Of the company's web filter: which paths need no login. Its other keys are for others. */
const Yuanmeng = Type.Object({
  web: optional(
    Type.Object({
      filter: optional(
        Type.Object({
          'enable-user-login': optional(
            Type.Literal(true, {
              expected: 'true',
              fix: 'The API cannot be opened to everybody; name what needs no login in external-url-list.',
            }),
          ),
          'external-url-list': optional(
            Type.Array(text({ expected: 'the start of a path', fix: 'For example /v3/api-docs.' }, { pattern: '^/[^\\s]*$' })),
          ),
        }),
      ),
    }),
  ),
})

/** The file as operators write it. Other roots and other keys beside `qifu.eg` belong to others and are left alone. */
export const FileSchema = Type.Object({
  qifu: optional(Type.Object({ eg: optional(Eg) })),
  yuanmeng: optional(Yuanmeng),
  tributary: optional(Tributary),
})

export type FileContent = Static<typeof FileSchema>
