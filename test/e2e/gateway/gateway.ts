import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EbayUrls } from '@tributary/channels/ebay'
import { freePort } from '../../servers/index.ts'
import { type CommandOutcome, runCommand, startProgram } from './command.ts'
import { eventually } from './eventually.ts'

/** Nothing listens there. */
export const NOWHERE = 'http://127.0.0.1:9'
/** For gateways that are not to reach eBay. */
export const UNREACHABLE_EBAY: EbayUrls = {
  authorizeUrl: `${NOWHERE}/authorize`,
  tokenUrl: `${NOWHERE}/token`,
  orderUrl: `${NOWHERE}/order`,
  shippingFulfillmentUrl: `${NOWHERE}/order/{orderId}/shipping_fulfillment`,
  publicKeyUrl: `${NOWHERE}/public_key/{kid}`,
  userUrl: `${NOWHERE}/user/`,
}

const SERVICES = ['ingest', 'order-sync', 'projector', 'dispatcher']
const GRACE = 5_000

/** A report of `/healthz`. */
export type Health = {
  status: 'ok' | 'degraded' | 'down'
  services: { name: string; status: string; reason?: string; details?: Record<string, unknown> }[]
}

/** The product as operators run it: `tributary serve` with all services in one real process that can be killed. */
export type Gateway = {
  url: string
  masterKey: Buffer
  challengeToken: string
  /** Starts the process; does not wait for it to be ready. */
  start(): void
  /** SIGKILL, and waits until the process is gone. */
  kill(): Promise<void>
  /** SIGTERM, and waits; answers the exit code, which is not 0 when the services needed more than their 4.5 seconds. */
  stop(): Promise<{ code: number | null }>
  /** Resolves when /readyz says so. */
  ready(): Promise<void>
  health(): Promise<Health>
  /** Runs another command of the program on the same configuration. */
  run(args: readonly string[], input?: string): Promise<CommandOutcome>
  /** Starts another command, and answers its process. */
  begin(args: readonly string[]): ReturnType<typeof startProgram>
  /** Everything that the process has written so far. */
  output(): string
  remove(): Promise<void>
}

export type GatewayOptions = {
  databaseUrl: string
  ebay: EbayUrls
  /** Addresses by `server_name`. */
  receivers: Readonly<Record<string, string>>
  /** In place of parts of the section `tributary`. */
  settings?: Readonly<Record<string, unknown>>
  /** More of the section `qifu.eg`. */
  sources?: Readonly<Record<string, unknown>>
  /** In place of those of orders. */
  services?: readonly string[]
  /** Of another gateway on the same database. */
  masterKey?: Buffer
}

/** Writes a configuration and answers the process that runs on it, not started yet. */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-gateway-'))
  const file = join(folder, 'tributary.yaml')
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const masterKey = options.masterKey ?? randomBytes(32)
  const challengeToken = randomBytes(20).toString('hex')
  await writeFile(file, configurationText(options, { port, url }))
  const environment = {
    TRIBUTARY_DATABASE_URL: options.databaseUrl,
    TRIBUTARY_MASTER_KEY: masterKey.toString('base64'),
    CHALLENGE_TOKEN: challengeToken,
  }
  const process = createProcess(['--config', file, 'serve', ...(options.services ?? SERVICES)], environment)
  return {
    url,
    masterKey,
    challengeToken,
    start: process.start,
    output: process.output,
    kill: async () => void (await process.end('SIGKILL')),
    stop: () => process.end('SIGTERM'),
    async ready() {
      await eventually('the gateway is ready', async () => (await fetch(`${url}/readyz`)).ok).catch((error: Error) => {
        throw new Error(`${error.message}. Its last words:\n${process.output().slice(-2_000)}`)
      })
    },
    health: async () => (await (await fetch(`${url}/healthz`)).json()) as Health,
    run: (args, input) => runCommand(['--config', file, ...args], { environment, ...(input === undefined ? {} : { input }) }),
    begin: (args) => startProgram(['--config', file, ...args], environment),
    async remove() {
      await process.end('SIGKILL')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** JSON is YAML, too. */
function configurationText(options: GatewayOptions, { port, url }: { port: number; url: string }): string {
  const kebab = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  return JSON.stringify({
    tributary: { server: { host: '127.0.0.1', port }, logging: { level: 'info', format: 'json' }, ...options.settings },
    qifu: {
      eg: {
        ebay: {
          ...Object.fromEntries(Object.entries(options.ebay).map(([name, value]) => [kebab(name), value])),
          'challenge-verification-token': `\${CHALLENGE_TOKEN}`,
          'notification-endpoint': `${url}/open/order/callback/1`,
        },
        spi: { services: options.receivers },
        ...options.sources,
      },
    },
  })
}

function createProcess(args: readonly string[], environment: Readonly<Record<string, string>>) {
  let child: ReturnType<typeof startProgram> | undefined
  let output = ''
  return {
    output: () => output,
    start() {
      child = startProgram(args, environment)
      child.stdin.end()
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk))
    },
    async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<{ code: number | null }> {
      const ending = child
      child = undefined
      if (!ending || ending.exitCode !== null || ending.signalCode !== null) return { code: ending?.exitCode ?? null }
      const overdue = setTimeout(() => ending.kill('SIGKILL'), 2 * GRACE)
      ending.kill(signal)
      const [code] = (await once(ending, 'exit')) as [number | null]
      clearTimeout(overdue)
      return { code }
    },
  }
}
