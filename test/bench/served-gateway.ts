import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Database } from '@tributary/database'
import { startProgram } from '../e2e/gateway/command.ts'
import { eventually } from '../e2e/gateway/eventually.ts'
import { freePort } from '../servers/index.ts'
import { benchDatabase } from './server.ts'

export type ServedGateway = { url: string; database: Database; close(): Promise<void> }

/**
 * The product as operators run it, in one process of its own: `tributary serve` with the given services, on a database that
 * flushes at each commit. `qifu` is that section of its configuration.
 */
export async function servedGateway(options: {
  name: string
  services: readonly string[]
  qifu: Record<string, unknown>
}): Promise<ServedGateway> {
  const { name, services, qifu } = options
  const { url: databaseUrl, database, drop } = await benchDatabase(name)
  const folder = await mkdtemp(join(tmpdir(), 'tributary-bench-'))
  const file = join(folder, 'tributary.yaml')
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  // JSON is YAML, too.
  await writeFile(file, JSON.stringify({ tributary: { server: { host: '127.0.0.1', port } }, qifu: { eg: qifu } }))
  const child = startProgram(['--config', file, 'serve', ...services], {
    TRIBUTARY_DATABASE_URL: databaseUrl,
    TRIBUTARY_MASTER_KEY: randomBytes(32).toString('base64'),
    TRIBUTARY_LOG_FORMAT: 'json',
  })
  let lastWords = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (lastWords = `${lastWords}${chunk}`.slice(-2_000)))
  const close = async () => {
    const exited = child.exitCode === null ? once(child, 'exit') : undefined
    child.kill('SIGTERM')
    await exited
    await rm(folder, { recursive: true })
    await drop()
  }
  try {
    await eventually('the gateway is ready', async () => (await fetch(`${url}/readyz`)).ok)
  } catch (cause) {
    await close()
    throw new Error(`The gateway did not start. Its last words:\n${lastWords}`, { cause })
  }
  return { url, database, close }
}
