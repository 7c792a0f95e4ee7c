/** Addresses and secrets of the eBay channel. */
export type EbayConfiguration = {
  authorizeUrl: string
  tokenUrl: string
  orderUrl: string
  /** Holds `{orderId}`. */
  shippingFulfillmentUrl: string
  /** Holds `{kid}`. */
  publicKeyUrl: string
  userUrl: string
  challengeVerificationToken?: string
  /** The webhook's address as registered at eBay, byte for byte: it is part of the answer to a challenge. */
  notificationEndpoint?: string
}

/** Addresses of the TikTok Shop channel: its consent page, its token endpoint and its API, the latter two without a path. */
export type TiktokConfiguration = { authorizeUrl: string; authUrl: string; apiUrl: string }

/** Addresses of the Lazada channel, the APIs by country with `/rest`; `apiUrl` stands for every country when it is there. */
export type LazadaConfiguration = {
  authorizeUrl: string
  authUrl: string
  apiUrls: Readonly<Record<string, string>>
  apiUrl?: string
}

/**
 * The Amazon channel. `apiUrls` are by region (na, eu, fe); `apiUrl` stands for all of them when it is there, `authorizeUrl` for the consent
 * pages of all countries. `draft` is for an app that is not published. `topics` are ARNs of SNS; the SDK finds credentials of the
 * queue by itself where none are named.
 */
export type AmazonConfiguration = {
  authorizeUrl?: string
  tokenUrl: string
  apiUrls: Readonly<Record<string, string>>
  apiUrl?: string
  draft: boolean
  topics: readonly string[]
  queue?: { url: string; credentials?: { accessKeyId: string; secretAccessKey: string } }
}

/** What protects a callback address at WeCom, and the secret that its contacts are read with. */
export type WeworkAccess = { token: string; encodingAesKey: string; secret?: string }

/**
 * How the directory of a corp is read, and the database that holds its tables. `departments` walks the departments;
 * `contacts-edit` lists all ids at once, which needs that permission; `members` is the mode in which members consent one by one.
 */
export type WeworkCorp = { directory: 'departments' | 'contacts-edit' | 'members'; schema?: string }

/**
 * A partner who is told of changes. `timeout` in milliseconds for one whole exchange. `thin` tells ids, departments and
 * states, `full` all that WeCom told.
 */
export type PartnerWebhook = {
  url: string
  timeout: number
  events: readonly string[]
  secret?: string
  mode: 'ce-binary' | 'ce-structured' | 'compat'
  fields: 'thin' | 'full'
}

/** A customer of ours at WeCom: a suite that corps install, apps that a corp built itself, or both. */
export type WeworkCustomer = {
  apiUrl: string
  webhooks: readonly PartnerWebhook[]
  /** `providerCorpId` is empty for the suite of a person. */
  suite?: WeworkAccess & { suiteId: string; providerCorpId: string }
  /** By corp id. Corps that are not named here may install the suite, too. */
  corps: Readonly<Record<string, WeworkCorp>>
  /** By a name of the operator's, which stands in the callback's path. */
  selfBuilt: Readonly<Record<string, WeworkAccess & WeworkCorp & { corpId: string }>>
}

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'
export type LogFormat = 'json' | 'pretty'

/**
 * How SPI services are found by their `server_name`. `address` is where they take their calls: with `{server_name}` for
 * services that DNS has addresses of, with `{instance}` (host and port) where `srv`, the name of SRV records, or Nacos tells
 * the instances. `cluster` and the login are left out where Nacos asks for none.
 */
export type SpiDiscovery = { address: string; srv?: string; nacos?: NacosRegistry }
export type NacosRegistry = {
  url: string
  namespace: string
  group: string
  cluster?: string
  login?: { username: string; password: string }
}

/**
 * How one endpoint is treated where it is not the ordinary way: in which order it gets events, what becomes of a key whose schedule is
 * used up, the waits of the schedule in milliseconds, and how many requests may begin in a second.
 */
export type EndpointTreatment = {
  order?: 'key' | 'none' | 'strict'
  exhausted?: 'block' | 'skip' | 'latest'
  schedule?: readonly number[]
  perSecond?: number
}

/** By which proxy a host is reached, and what we show to it there, as PEM. */
export type DeliveryHost = { proxy?: string; certificate?: { cert: string; key: string } }

/** Everything that an operator can set, checked and complete. docs/configuration.md is its manual. */
export type Configuration = {
  /** `trustedProxies`: networks and addresses of the proxies before us, which say who calls. */
  server: { host: string; port: number; trustedProxies: readonly string[] }
  databaseUrl: string
  logUrl: string
  /** Of a topic that does not exist yet; an existing topic keeps its own number. */
  partitions: number
  /** 32 bytes each. The first wraps new data keys, all unwrap. */
  masterKeys: readonly Buffer[]
  logging: { level: LogLevel; format: LogFormat }
  /** `sampling` is the share of new traces that are kept, 0 to 1. Off without an endpoint. */
  telemetry: { endpoint?: string; sampling: number }
  /** Where `GET /metrics` listens, apart from webhooks. Closed without a port. */
  metrics: { host: string; port?: number }
  ebay?: EbayConfiguration
  tiktok?: TiktokConfiguration
  amazon?: AmazonConfiguration
  lazada?: LazadaConfiguration
  consumerGroups: { orderSpi: string; weworkEventWebhook: string }
  /** Where the SPI service of each `eg_spi.server_name` is found. */
  spiServices: Readonly<Record<string, string>>
  /** How those are found that `spiServices` does not name. */
  spiDiscovery?: SpiDiscovery
  /**
   * `allowAddresses`: networks, as 10.1.0.0/16, that deliveries may go to though they are closed to them otherwise.
   * `attemptsDays`: how long the record of an attempt is kept at least. `hosts`: by host name, through which proxy it is
   * reached, and the certificate and key (PEM) that we show to it. `endpoints`: by the name that `endpoint list` shows.
   */
  delivery: {
    allowAddresses: readonly string[]
    attemptsDays: number
    hosts: Readonly<Record<string, DeliveryHost>>
    endpoints: Readonly<Record<string, EndpointTreatment>>
  }
  /** By the customer's name, which stands in the callback's path. */
  wework: Readonly<Record<string, WeworkCustomer>>
  /**
   * The HTTP API: requests a minute of one caller, the issuer of logins, and the starts of those of its addresses that need
   * none.
   */
  console: {
    requestsPerMinute: number
    issuer?: { issuer: string; audience: string; jwksUri?: string }
    externalUrls: readonly string[]
  }
  /** `spool` is where ingest keeps what it received while the log is away; off without a folder. */
  ingest: { spool?: { folder: string; maxBytes: number } }
  contactSync: { intervalHours: number; callsPerSecond: number }
  /** `reminderDays` ahead an end of a consent, or of an app's secret, is told. `shipmentDays`: how long finished shipments are kept at least. */
  orderSync: {
    pollIntervalSeconds: number
    overlapSeconds: number
    reachBackDays: number
    concurrency: number
    reminderDays: number
    shipmentDays: number
  }
}
