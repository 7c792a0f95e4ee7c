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

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'
export type LogFormat = 'json' | 'pretty'

/** Everything that an operator can set, checked and complete. docs/configuration.md is its manual. */
export type Configuration = {
  server: { host: string; port: number }
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
  consumerGroups: { orderSpi: string; weworkEventWebhook: string }
  /** Where the SPI service of each `eg_spi.server_name` is found. */
  spiServices: Readonly<Record<string, string>>
  orderSync: { pollIntervalSeconds: number; overlapSeconds: number; reachBackDays: number; concurrency: number }
}
