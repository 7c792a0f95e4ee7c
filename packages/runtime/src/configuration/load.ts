import { readFile } from 'node:fs/promises'
import type { TSchema } from 'typebox'
import { codeOf } from '../coded.ts'
import type { Configuration } from '../configuration.ts'
import { amazonConfiguration, amazonProblems } from './amazon.ts'
import { checkDocument } from './check.ts'
import { deliveryConfiguration } from './delivery.ts'
import { discoveryConfiguration, discoveryProblems } from './discovery.ts'
import { type Environment, fillDocument, type SchemaPart } from './document.ts'
import { ebayConfiguration } from './ebay.ts'
import { withFiles } from './environment-files.ts'
import { ConfigurationError, type ConfigurationProblem } from './error.ts'
import { lazadaConfiguration } from './lazada.ts'
import { masterKeys } from './master-keys.ts'
import { networkProblems } from './networks.ts'
import { type FileContent, FileSchema } from './schema.ts'
import { tiktokConfiguration } from './tiktok.ts'
import { weworkConfiguration } from './wework.ts'

/** Environment variables that take the place of a key in the file. */
export const variables = {
  TRIBUTARY_DATABASE_URL: ['database', 'url'],
  TRIBUTARY_LOG_URL: ['log', 'url'],
  TRIBUTARY_HOST: ['server', 'host'],
  TRIBUTARY_PORT: ['server', 'port'],
  TRIBUTARY_LOG_LEVEL: ['logging', 'level'],
  TRIBUTARY_LOG_FORMAT: ['logging', 'format'],
  TRIBUTARY_TELEMETRY_ENDPOINT: ['telemetry', 'endpoint'],
  TRIBUTARY_METRICS_HOST: ['metrics', 'host'],
  TRIBUTARY_METRICS_PORT: ['metrics', 'port'],
} as const

/**
 * Reads the YAML file (`file`, else the one that `TRIBUTARY_CONFIG` names, else none), fills `${NAME}` from the
 * environment, lets the variables above override, adds defaults and checks everything.
 * Throws ConfigurationError, which lists every problem; no message holds a value.
 */
export async function loadConfiguration(options: { file?: string; environment: Environment }): Promise<Configuration> {
  const file = options.file ?? options.environment['TRIBUTARY_CONFIG']
  const where = file ?? 'The configuration from the environment'
  const text = file === undefined ? '' : await readText(file)
  const { environment, problems: fileProblems } = await withFiles(options.environment)
  const { content, problems } = readContent(text, environment)
  problems.push(...fileProblems)
  const keys = await masterKeys(environment)
  const { ebay, problems: ebayProblems } = ebayConfiguration(content.qifu?.eg?.ebay, content.tributary?.profile)
  const databaseUrl = content.tributary?.database?.url
  // Files are read only where the document is as it should be.
  const section = problems.length === 0 ? content.tributary?.delivery : undefined
  const { delivery, problems: deliveryProblems } = await deliveryConfiguration(section)
  problems.push(...keys.problems)
  if (problems.length === 0)
    problems.push(
      ...ebayProblems,
      ...amazonProblems(content.qifu?.eg?.amazon),
      ...discoveryProblems(content.qifu?.eg?.spi?.discovery),
      ...deliveryProblems,
      ...networkProblems('tributary.delivery.allow-addresses', content.tributary?.delivery?.['allow-addresses']),
      ...networkProblems('tributary.server.trusted-proxies', content.tributary?.server?.['trusted-proxies']),
    )
  if (databaseUrl === undefined && !problems.some(({ key }) => databaseKeys.includes(key))) problems.push(noDatabase)
  if (problems.length > 0 || databaseUrl === undefined) throw new ConfigurationError(where, problems.sort(byLine))
  return complete(content, { databaseUrl, masterKeys: keys.keys, delivery, ...(ebay ? { ebay } : {}) })
}

const byLine = (one: ConfigurationProblem, other: ConfigurationProblem): number =>
  (one.line ?? Number.MAX_SAFE_INTEGER) - (other.line ?? Number.MAX_SAFE_INTEGER)

const databaseKeys = ['tributary.database.url', 'TRIBUTARY_DATABASE_URL', 'TRIBUTARY_DATABASE_URL_FILE']
const noDatabase: ConfigurationProblem = {
  key: 'TRIBUTARY_DATABASE_URL',
  expected: 'an address mysql://user:password@host:port/name',
  found: 'nothing',
  fix: 'Set it in the environment.',
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const fix = 'Give the path with --config or in TRIBUTARY_CONFIG.'
    const problem = { key: '(the file)', expected: 'a file that can be read', found: readingFailure(error), fix }
    throw new ConfigurationError(file, [problem])
  }
}

function readingFailure(error: unknown): string {
  const code = codeOf(error)
  return code === 'ENOENT' ? 'no such file' : `an error (${code})`
}

function readContent(text: string, environment: Environment): { content: FileContent; problems: ConfigurationProblem[] } {
  const document = fillDocument(text, FileSchema as SchemaPart, environment)
  const problems = [...document.problems, ...checkDocument(document, FileSchema)]
  const overrides = overridesFrom(environment)
  const overridden = { value: { tributary: overrides }, problems: [], lineOf: () => undefined }
  const names = new Map(Object.entries(variables).map(([name, path]) => [`tributary.${path.join('.')}`, name]))
  problems.push(
    ...checkDocument(overridden, FileSchema as TSchema).map((problem) => ({
      ...problem,
      key: names.get(problem.key) ?? problem.key,
    })),
  )
  const content = (problems.length > 0 ? {} : document.value) as FileContent
  return { content: { ...content, tributary: merged(content.tributary, overrides) }, problems }
}

type TributarySection = NonNullable<FileContent['tributary']>

function overridesFrom(environment: Environment): TributarySection {
  const sections: Record<string, Record<string, unknown>> = {}
  for (const [name, [section, key]] of Object.entries(variables)) {
    const value = environment[name]
    if (value === undefined || value === '') continue
    sections[section] = { ...sections[section], [key]: key === 'port' && /^\d+$/.test(value) ? Number(value) : value }
  }
  return sections
}

function merged(file: TributarySection | undefined, overrides: TributarySection): TributarySection {
  return {
    ...file,
    server: { ...file?.server, ...overrides.server },
    database: { ...file?.database, ...overrides.database },
    log: { ...file?.log, ...overrides.log },
    logging: { ...file?.logging, ...overrides.logging },
    telemetry: { ...file?.telemetry, ...overrides.telemetry },
    metrics: { ...file?.metrics, ...overrides.metrics },
  }
}

function complete(
  content: FileContent,
  known: Pick<Configuration, 'databaseUrl' | 'masterKeys' | 'delivery' | 'ebay'>,
): Configuration {
  const {
    server,
    log,
    logging,
    telemetry,
    metrics,
    ingest,
    'order-sync': orderSync,
    'contact-sync': contactSync,
  } = content.tributary ?? {}
  const { 'consumer-group': groups, spi, 'wework-map': wework } = content.qifu?.eg ?? {}
  return {
    ...known,
    ...tiktokConfiguration(content.qifu?.eg?.tiktok),
    ...amazonConfiguration(content.qifu?.eg?.amazon),
    ...lazadaConfiguration(content.qifu?.eg?.lazada),
    server: serverOf(server),
    logUrl: log?.url ?? known.databaseUrl,
    partitions: log?.partitions ?? 8,
    logging: { level: logging?.level ?? 'info', format: logging?.format ?? (process.stdout.isTTY ? 'pretty' : 'json') },
    telemetry: { ...(telemetry?.endpoint ? { endpoint: telemetry.endpoint } : {}), sampling: telemetry?.sampling ?? 1 },
    metrics: metricsOf(metrics),
    consumerGroups: {
      orderSpi: groups?.['order-spi'] ?? 'egOrderSpiConsumerGroup',
      weworkEventWebhook: groups?.['wework-event-webhook'] ?? 'egWeworkEventWebhookConsumerGroup',
    },
    spiServices: spi?.services ?? {},
    ...discoveryConfiguration(spi?.discovery),
    wework: weworkConfiguration(wework),
    ingest: ingestOf(ingest),
    contactSync: contactSyncOf(contactSync),
    orderSync: orderSyncOf(orderSync),
    console: consoleOf(content.tributary?.console, content.yuanmeng?.web?.filter?.['external-url-list'] ?? []),
  }
}

function serverOf(section: TributarySection['server']): Configuration['server'] {
  const { host = '127.0.0.1', port = 8080, 'trusted-proxies': trustedProxies = [] } = section ?? {}
  return { host, port, trustedProxies }
}

function consoleOf(section: TributarySection['console'], externalUrls: readonly string[]): Configuration['console'] {
  const { oidc, 'requests-per-minute': requestsPerMinute = 600 } = section ?? {}
  if (!oidc) return { requestsPerMinute, externalUrls }
  const { issuer, audience, 'jwks-uri': jwksUri } = oidc
  return { requestsPerMinute, externalUrls, issuer: { issuer, audience, ...(jwksUri === undefined ? {} : { jwksUri }) } }
}

function metricsOf(section: TributarySection['metrics']): Configuration['metrics'] {
  return { host: section?.host ?? '127.0.0.1', ...(section?.port === undefined ? {} : { port: section.port }) }
}

function orderSyncOf(section: TributarySection['order-sync']): Configuration['orderSync'] {
  return {
    pollIntervalSeconds: section?.['poll-interval-seconds'] ?? 300,
    overlapSeconds: section?.['overlap-seconds'] ?? 600,
    reachBackDays: section?.['reach-back-days'] ?? 90,
    concurrency: section?.concurrency ?? 16,
    reminderDays: section?.['reminder-days'] ?? 14,
    shipmentDays: section?.['shipment-days'] ?? 90,
  }
}

/** An hour of 100 notifications a second, sealed. */
const SPOOL_BYTES = 512 * 1024 * 1024

function ingestOf(section: TributarySection['ingest']): Configuration['ingest'] {
  const { spool } = section ?? {}
  return spool === undefined ? {} : { spool: { folder: spool.folder, maxBytes: spool['max-bytes'] ?? SPOOL_BYTES } }
}

function contactSyncOf(section: TributarySection['contact-sync']): Configuration['contactSync'] {
  return { intervalHours: section?.['interval-hours'] ?? 24, callsPerSecond: section?.['calls-per-second'] ?? 100 }
}
