import { randomBytes } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { addApp, addSpiService, migrate, openDatabase } from '@tributary/database'
import { channelName } from '@tributary/events'
import { createLogger, type Service, startTelemetry } from '@tributary/runtime'
import { loadConfiguration } from '@tributary/runtime/configuration'
import type { SimulatedMarketplace } from '@tributary/test/marketplace'
import { freePort, type PrivateServer, startMariaDb } from '@tributary/test/servers'
import { createSpiReceiver, type SpiReceiver } from '@tributary/test/simulators/spi'
import { createConnection } from 'mysql2/promise'
import { openPlatform, type Platform } from '../platform.ts'
import { createServices, SERVICE_NAMES } from '../services.ts'
import { writeConfigurationFile } from './configuration-file.ts'
import { type ContactWorld, openContactWorld } from './contacts.ts'
import { writeEnvironmentFile } from './environment-file.ts'
import { type LogName, type LogServer, startLogServer } from './log-server.ts'
import { type MarketplaceName, openMarketplace } from './marketplaces.ts'
import { sandboxMasterKey } from './secrets.ts'

const ORDER_SYNC = 1
const DATABASE = 'tributary_sandbox'
/** Who receives the simulated seller's orders: `eg_spi.server_code` and `server_name`. */
const RECEIVERS = ['warehouse', 'accounting'] as const

/** Everything that runs in the sandbox. */
export type World = {
  folder: string
  server: PrivateServer
  /** Where the log is, when it is not in MariaDB. */
  logServer: LogServer | undefined
  marketplaces: readonly SimulatedMarketplace[]
  /** Our app at each of them. */
  appIds: readonly number[]
  /** WeCom, its corp and the partner, where contacts flow. */
  contacts: ContactWorld | undefined
  receivers: readonly SpiReceiver[]
  platform: Platform
  services: readonly Service[]
  gatewayUrl: string
  metricsUrl: string
  /** What a shell needs so that commands work on this world. */
  environmentFile: string
  /** Lets a simulated seller of each marketplace authorize its app, as a browser would; answers them in that order. */
  authorize(): Promise<{ sellerId: string }[]>
  close(options: { keep: boolean }): Promise<void>
}

/** Starts MariaDB, simulators and the platform on an empty database; the services are made but not started. */
export async function openWorld(options: {
  folder: string
  seed: number
  log: LogName
  channels: readonly MarketplaceName[]
  contacts: boolean
}): Promise<World> {
  await mkdir(options.folder, { recursive: true })
  const closers: (() => Promise<void>)[] = []
  const closeAll = async () => {
    for (const close of closers.splice(0).reverse()) await close()
  }
  try {
    const server = await startMariaDb({ folder: join(options.folder, 'mariadb'), durable: true })
    let kept = false
    closers.push(async () => (kept ? server.keep() : await server.stop()))
    await emptyDatabase(server.url)
    const logServer = await startLogServer(options.log, options.folder)
    closers.push(async () => logServer?.stop())

    const marketplaces: SimulatedMarketplace[] = []
    closers.push(async () => void (await Promise.all(marketplaces.map((marketplace) => marketplace.close()))))
    for (const name of options.channels) marketplaces.push(await openMarketplace(name, options.seed))
    const contacts = options.contacts ? await openContactWorld(options.seed) : undefined
    closers.push(async () => contacts?.close())
    const secrets = RECEIVERS.map(() => `whsec_${randomBytes(32).toString('base64')}`)
    const receivers = await Promise.all(secrets.map((secret) => createSpiReceiver({ secret })))
    closers.push(async () => void (await Promise.all(receivers.map((receiver) => receiver.close()))))

    const { configuration, environmentFile } = await configure(options.folder, {
      ...{ server, logServer, marketplaces, contacts, receivers },
    })
    await migrateDatabase(configuration.databaseUrl)
    const logger = createLogger(configuration.logging)
    const telemetry = await startTelemetry({ ...configuration.telemetry, serviceName: 'tributary-sandbox', logger })
    closers.push(() => telemetry.stop())
    const platform = await openPlatform(configuration, logger)
    closers.push(() => platform.close())
    const appIds = await register(platform, marketplaces, secrets)
    const { services, http } = createServices(platform, SERVICE_NAMES)
    return {
      ...{
        folder: options.folder,
        server,
        logServer,
        marketplaces,
        appIds,
        contacts,
        receivers,
        platform,
        services,
        environmentFile,
      },
      gatewayUrl: `http://127.0.0.1:${configuration.server.port}`,
      metricsUrl: `http://127.0.0.1:${configuration.metrics.port}/metrics`,
      authorize: () =>
        Promise.all(marketplaces.map((marketplace, index) => authorizeSeller(marketplace, http.url, appIds[index] ?? 0))),
      async close({ keep }) {
        kept = keep
        await closeAll()
      },
    }
  } catch (error) {
    await closeAll()
    throw error
  }
}

/** Each run begins with nothing, so that what is counted at the end was made by this run. */
async function emptyDatabase(serverUrl: string): Promise<void> {
  const connection = await createConnection({ uri: serverUrl })
  try {
    await connection.query(`DROP DATABASE IF EXISTS ${DATABASE}`)
    await connection.query(`CREATE DATABASE ${DATABASE} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci`)
  } finally {
    await connection.end()
  }
}

async function migrateDatabase(url: string): Promise<void> {
  const database = openDatabase(url)
  try {
    await migrate(database)
  } finally {
    await database.close()
  }
}

async function configure(
  folder: string,
  {
    server,
    logServer,
    marketplaces,
    contacts,
    receivers,
  }: Pick<World, 'server' | 'logServer' | 'marketplaces' | 'contacts' | 'receivers'>,
) {
  const port = await freePort()
  const gatewayUrl = `http://127.0.0.1:${port}`
  for (const marketplace of marketplaces) marketplace.connect(gatewayUrl)
  const configurationFile = join(folder, 'tributary.yaml')
  const spoolFolder = join(folder, 'spool')
  await rm(spoolFolder, { recursive: true, force: true })
  await writeConfigurationFile(configurationFile, {
    port,
    metricsPort: await freePort(),
    spoolFolder,
    channels: Object.fromEntries(marketplaces.map((one) => [channelName(one.channel), one.configuration(gatewayUrl)])),
    wework: contacts?.configuration,
    receivers: Object.fromEntries(RECEIVERS.map((name, index) => [name, receivers[index]?.url ?? ''])),
  })
  const environment = {
    TRIBUTARY_CONFIG: configurationFile,
    TRIBUTARY_DATABASE_URL: `${server.url}/${DATABASE}`,
    ...(logServer ? { TRIBUTARY_LOG_URL: logServer.url } : {}),
    TRIBUTARY_MASTER_KEY: await sandboxMasterKey(join(folder, 'master.key')),
    SANDBOX_CHALLENGE_TOKEN: randomBytes(24).toString('hex'),
    ...Object.assign({}, ...marketplaces.map(({ environment }) => environment)),
    ...contacts?.environment,
    TRIBUTARY_LOG_LEVEL: process.env['TRIBUTARY_LOG_LEVEL'] ?? 'error',
    TRIBUTARY_TELEMETRY_ENDPOINT: process.env['TRIBUTARY_TELEMETRY_ENDPOINT'],
  }
  const environmentFile = join(folder, 'environment')
  await writeEnvironmentFile(environmentFile, {
    ...environment,
    ...clientSecrets(marketplaces),
    SANDBOX_GATEWAY: gatewayUrl,
  })
  return { configuration: await loadConfiguration({ file: configurationFile, environment }), environmentFile }
}

/** So that a person can register an app of their own at a simulated marketplace: `SANDBOX_EBAY_CLIENT_SECRET` and so on. */
function clientSecrets(marketplaces: readonly SimulatedMarketplace[]): Record<string, string> {
  return Object.fromEntries(
    marketplaces.map(({ channel, app }) => [`SANDBOX_${channelName(channel).toUpperCase()}_CLIENT_SECRET`, app.clientSecret]),
  )
}

/** What an operator does once: the apps and the receivers. Answers the apps' ids in the order of the marketplaces. */
async function register(
  { database }: Platform,
  marketplaces: readonly SimulatedMarketplace[],
  secrets: readonly string[],
): Promise<number[]> {
  for (const [index, name] of RECEIVERS.entries()) {
    const secret = secrets[index] ?? ''
    await addSpiService(database, { type: ORDER_SYNC, serverCode: name, serverName: name, description: 'simulated', secret })
  }
  const ids: number[] = []
  for (const { app, channel } of marketplaces)
    ids.push(await addApp(database, { channel, name: 'sandbox', ...app, scopes: [...app.scopes] }))
  return ids
}

/** Consents as a seller would in a browser: to the gateway, on to the marketplace, agree, and back with the gateway's cookie. */
async function authorizeSeller(
  marketplace: SimulatedMarketplace,
  gatewayUrl: string,
  appId: number,
): Promise<{ sellerId: string }> {
  const seller = marketplace.addSeller()
  const path = `/open/order/oauth/authorize/${marketplace.channel}?app=${appId}&spi=${RECEIVERS.join(',')}`
  const start = await fetch(`${gatewayUrl}${path}`, { redirect: 'manual' })
  const consentPage = start.headers.get('location')
  if (!consentPage) throw new Error(`The consent could not begin: ${start.status} ${await start.text()}`)
  const cookie = start.headers
    .getSetCookie()
    .map((line) => line.split(';', 1)[0])
    .join('; ')
  const back = await fetch(await marketplace.consent(consentPage, seller.sellerId), { headers: { cookie } })
  if (!back.ok) throw new Error(`The consent was not accepted: ${back.status} ${await back.text()}`)
  return seller
}
