/** Addresses and secrets of the eBay channel. `shippingFulfillmentUrl` holds `{orderId}`, `publicKeyUrl` holds `{kid}`. */
export type EbayConfiguration = {
  authorizeUrl: string
  tokenUrl: string
  orderUrl: string
  shippingFulfillmentUrl: string
  publicKeyUrl: string
  userUrl: string
  challengeVerificationToken?: string
  /** The webhook's address as registered at eBay, byte for byte: it is part of the answer to a challenge. */
  notificationEndpoint?: string
}

/** Everything that an operator can set, checked and complete. */
export type Configuration = {
  server: { host: string; port: number }
  databaseUrl: string
  logUrl: string
  /** Of a topic that does not exist yet; an existing topic keeps its own. */
  partitions: number
  /** 32 bytes each. The first wraps new data keys, all unwrap. */
  masterKeys: readonly Buffer[]
  logging: { level: LogLevel; format: LogFormat }
  /** `sampling` is the share of new traces that are kept, 0 to 1. Off without an endpoint. */
  telemetry: { endpoint?: string; sampling: number }
  ebay?: EbayConfiguration
  consumerGroups: { orderSpi: string; weworkEventWebhook: string }
  /** Where the SPI service of each `eg_spi.server_name` is found. */
  spiServices: Readonly<Record<string, string>>
  orderSync: { pollIntervalSeconds: number; overlapSeconds: number; reachBackDays: number; concurrency: number }
}

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'
export type LogFormat = 'json' | 'pretty'

/** One thing wrong with the configuration. `found` names a kind ("a number"), never a value, which may be secret. */
export type ConfigurationProblem = {
  /** The key's path with dots, or the name of an environment variable. */
  key: string
  /** In the file; absent for what is missing and for environment variables. */
  line?: number
  expected: string
  found: string
  fix: string
}

/** Lists every problem at once, so that one edit mends them all. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'
  readonly code = 'CONFIGURATION_INVALID'
  readonly retriable = false
  readonly problems: readonly ConfigurationProblem[]

  constructor(where: string, problems: readonly ConfigurationProblem[]) {
    const lines = problems.map(
      ({ key, line, expected, found, fix }) =>
        `  ${key}${line === undefined ? '' : ` (line ${line})`}: expected ${expected}, found ${found}. ${fix}`,
    )
    super(`${where} has ${problems.length === 1 ? 'one problem' : `${problems.length} problems`}:\n${lines.join('\n')}`)
    this.problems = problems
  }
}

export type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads the YAML file (`file`, else `TRIBUTARY_CONFIG`, else none), fills `${NAME}` from the environment, applies the
 * environment's own variables and the defaults, and checks everything. Throws ConfigurationError with every problem.
 */
export declare function loadConfiguration(options: { file?: string; environment: Environment }): Promise<Configuration>

/** The configuration as plain values to print, with every secret hidden. */
export declare function describeConfiguration(configuration: Configuration): Record<string, unknown>
