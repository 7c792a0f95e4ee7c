import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { addApp, addSpiService, migrate, openDatabase } from '@tributary/database'
import { createLogger, loadConfiguration, type Service, startTelemetry } from '@tributary/runtime'
import { freePort, type PrivateBroker, type PrivateServer, startKafka, startMariaDb } from '@tributary/test/servers'
import { createEbaySimulator, type EbaySimulator } from '@tributary/test/simulators/ebay'
import { createSpiReceiver, type SpiReceiver } from '@tributary/test/simulators/spi'
import { createConnection } from 'mysql2/promise'
import { openPlatform, type Platform } from '../platform.ts'
import { createServices, SERVICE_NAMES } from '../services.ts'
import { writeConfigurationFile } from './configuration-file.ts'
import { sandboxMasterKey } from './secrets.ts'

const EBAY = 1
const ORDER_SYNC = 1
const DATABASE = 'tributary_sandbox'
/** Who receives the simulated seller's orders: `eg_spi.server_code` and `server_name`. */
const RECEIVERS = ['warehouse', 'accounting'] as const

/** Everything that runs in the sandbox. */
export type World = {
  folder: string
  server: PrivateServer
  /** The log, when it is not MariaDB. */
  broker: PrivateBroker | undefined
  simulator: EbaySimulator
  receivers: readonly SpiReceiver[]
  platform: Platform
  services: readonly Service[]
  gatewayUrl: string
  metricsUrl: string
  configurationFile: string
  /** The simulated seller that has authorized the app, once `authorize` resolved. */
  authorize(): Promise<{ userId: string }>
  close(options: { keep: boolean }): Promise<void>
}

/** Starts MariaDB, simulators and the platform on an empty database; the services are made but not started. */
export async function openWorld(options: { folder: string; seed: number; log: 'mysql' | 'kafka' }): Promise<World> {
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
    const broker = options.log === 'kafka' ? await startKafka({ folder: join(options.folder, 'kafka') }) : undefined
    closers.push(async () => broker?.stop())

    const simulator = await createEbaySimulator({ seed: options.seed })
    closers.push(() => simulator.close())
    const secrets = RECEIVERS.map(() => `whsec_${randomBytes(32).toString('base64')}`)
    const receivers = await Promise.all(secrets.map((secret) => createSpiReceiver({ secret })))
    closers.push(async () => void (await Promise.all(receivers.map((receiver) => receiver.close()))))

    const { configuration, configurationFile } = await configure(options.folder, { server, broker, simulator, receivers })
    await migrateDatabase(configuration.databaseUrl)
    const logger = createLogger(configuration.logging)
    const telemetry = await startTelemetry({ ...configuration.telemetry, serviceName: 'tributary-sandbox', logger })
    closers.push(() => telemetry.stop())
    const platform = await openPlatform(configuration, logger)
    closers.push(() => platform.close())
    const appId = await register(platform, simulator, secrets)
    const { services, http } = createServices(platform, SERVICE_NAMES)
    return {
      ...{ folder: options.folder, server, broker, simulator, receivers, platform, services, configurationFile },
      gatewayUrl: `http://127.0.0.1:${configuration.server.port}`,
      metricsUrl: `http://127.0.0.1:${configuration.metrics.port}/metrics`,
      authorize: () => authorizeSeller(simulator, http.url, appId),
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
  { server, broker, simulator, receivers }: Pick<World, 'server' | 'broker' | 'simulator' | 'receivers'>,
) {
  const port = await freePort()
  const configurationFile = join(folder, 'tributary.yaml')
  await writeConfigurationFile(configurationFile, {
    port,
    metricsPort: await freePort(),
    ebay: simulator.urls,
    receivers: Object.fromEntries(RECEIVERS.map((name, index) => [name, receivers[index]?.url ?? ''])),
  })
  const environment = {
    TRIBUTARY_DATABASE_URL: `${server.url}/${DATABASE}`,
    ...(broker ? { TRIBUTARY_LOG_URL: broker.url } : {}),
    TRIBUTARY_MASTER_KEY: await sandboxMasterKey(join(folder, 'master.key')),
    SANDBOX_CHALLENGE_TOKEN: randomBytes(24).toString('hex'),
    TRIBUTARY_LOG_LEVEL: process.env['TRIBUTARY_LOG_LEVEL'] ?? 'error',
    TRIBUTARY_TELEMETRY_ENDPOINT: process.env['TRIBUTARY_TELEMETRY_ENDPOINT'],
  }
  return { configuration: await loadConfiguration({ file: configurationFile, environment }), configurationFile }
}

/** What an operator does once: the app and the receivers. Answers the app's id. */
async function register({ database }: Platform, simulator: EbaySimulator, secrets: readonly string[]): Promise<number> {
  for (const [index, name] of RECEIVERS.entries()) {
    const secret = secrets[index] ?? ''
    await addSpiService(database, { type: ORDER_SYNC, serverCode: name, serverName: name, description: 'simulated', secret })
  }
  const { clientId, clientSecret, ruName } = simulator.app
  return await addApp(database, {
    channel: EBAY,
    name: 'sandbox',
    clientId,
    clientSecret,
    developerId: '',
    scopes: [
      'https://api.ebay.com/oauth/api_scope/sell.fulfillment',
      'https://api.ebay.com/oauth/api_scope/commerce.identity.readonly',
    ],
    redirectUri: ruName,
    attachInfo: {},
  })
}

/** Consents as a seller would in a browser: to the gateway, on to eBay, agree, and back with the gateway's cookie. */
async function authorizeSeller(simulator: EbaySimulator, gatewayUrl: string, appId: number): Promise<{ userId: string }> {
  const seller = simulator.market.addSeller()
  simulator.app.acceptUrl = `${gatewayUrl}/open/order/oauth/callback/${EBAY}`
  const start = await fetch(`${gatewayUrl}/open/order/oauth/authorize/${EBAY}?app=${appId}&spi=${RECEIVERS.join(',')}`, {
    redirect: 'manual',
  })
  const consentPage = start.headers.get('location')
  if (!consentPage) throw new Error(`The consent could not begin: ${start.status} ${await start.text()}`)
  const cookie = start.headers
    .getSetCookie()
    .map((line) => line.split(';', 1)[0])
    .join('; ')
  const back = await fetch(await simulator.consent(consentPage, { userId: seller.userId, accept: true }), {
    headers: { cookie },
  })
  if (!back.ok) throw new Error(`The consent was not accepted: ${back.status} ${await back.text()}`)
  return seller
}
