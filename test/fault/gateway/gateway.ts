import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EbayUrls } from '@tributary/channels/ebay'
import { freePort } from '../../servers/index.ts'

const root = join(import.meta.dirname, '../../..')

/** The product as operators run it: `tributary serve` with all services in one real process that can be killed. */
export type Gateway = {
  url: string
  masterKey: Buffer
  /** Starts the process; does not wait for it to be ready. */
  start(): void
  /** SIGKILL, and waits until the process is gone. */
  kill(): Promise<void>
  /** SIGTERM, and waits; answers the exit code. */
  stop(): Promise<number | null>
  /** Resolves when /readyz says so. */
  ready(): Promise<void>
  remove(): Promise<void>
}

export async function createGateway(options: {
  databaseUrl: string
  ebay: EbayUrls
  receivers: Readonly<Record<string, string>>
}): Promise<Gateway> {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-gateway-'))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const masterKey = randomBytes(32)
  const file = join(folder, 'tributary.yaml')
  const kebab = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  // JSON is YAML, too.
  const document = {
    tributary: { server: { host: '127.0.0.1', port }, logging: { level: 'warn', format: 'json' } },
    qifu: {
      eg: {
        ebay: {
          ...Object.fromEntries(Object.entries(options.ebay).map(([name, value]) => [kebab(name), value])),
          'challenge-verification-token': randomBytes(20).toString('hex'),
          'notification-endpoint': `${url}/open/order/callback/1`,
        },
        spi: { services: options.receivers },
      },
    },
  }
  await writeFile(file, JSON.stringify(document))
  const services = ['ingest', 'order-sync', 'projector', 'dispatcher']
  let child: ChildProcess | undefined

  async function end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    const ending = child
    child = undefined
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return ending?.exitCode ?? null
    ending.kill(signal)
    const [code] = (await once(ending, 'exit')) as [number | null]
    return code
  }

  return {
    url,
    masterKey,
    start() {
      child = spawn(process.execPath, ['services/cli/src/main.ts', '--config', file, 'serve', ...services], {
        cwd: root,
        env: {
          ...process.env,
          TRIBUTARY_DATABASE_URL: options.databaseUrl,
          TRIBUTARY_MASTER_KEY: masterKey.toString('base64'),
        },
        // Warnings of a process that is killed all the time would drown the test's own words.
        stdio: process.env['TRIBUTARY_TEST_OUTPUT'] ? ['ignore', 'inherit', 'inherit'] : 'ignore',
      })
    },
    async kill() {
      await end('SIGKILL')
    },
    stop: () => end('SIGTERM'),
    async ready() {
      const deadline = Date.now() + 30_000
      for (;;) {
        const answer = await fetch(`${url}/readyz`).catch(() => undefined)
        await answer?.arrayBuffer()
        if (answer?.ok) return
        if (Date.now() > deadline) throw new Error('The gateway did not get ready; TRIBUTARY_TEST_OUTPUT=1 shows its log')
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    },
    async remove() {
      await end('SIGKILL')
      await rm(folder, { recursive: true, force: true })
    },
  }
}
