import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, migratedTestDatabase } from '../../servers/index.ts'
import { type Environment, startProgram } from './command.ts'
import { eventually } from './eventually.ts'

/** Of the one corp that the gateway knows. */
export const SUITE_ID = 'wwexisting'

/** An existing system to import from, and a gateway with services in a process of its own that knows one corp of WeCom. */
export type ImportStage = {
  old: Awaited<ReturnType<typeof migratedTestDatabase>>
  ours: Awaited<ReturnType<typeof migratedTestDatabase>>
  /** Of commands of that gateway. */
  environment: Environment
  close(): Promise<void>
}

/** Begins the databases' names with `name`; resolves when `services` are ready. */
export async function openImportStage(name: string, options: { corp: string; services: string[] }): Promise<ImportStage> {
  const old = await migratedTestDatabase(`${name}_source`)
  const ours = await migratedTestDatabase(`${name}_import`)
  const folder = await mkdtemp(join(tmpdir(), 'tributary-import-'))
  const port = await freePort()
  const suite = { 'suite-id': SUITE_ID, token: 'token', 'encoding-aes-key': 'a'.repeat(43) }
  const document = {
    tributary: { server: { port } },
    qifu: { eg: { 'wework-map': { keyfil: { suite, corps: { [options.corp]: {} } } } } },
  }
  const file = join(folder, 'tributary.yaml')
  await writeFile(file, JSON.stringify(document))
  const environment = {
    TRIBUTARY_CONFIG: file,
    TRIBUTARY_DATABASE_URL: ours.url,
    TRIBUTARY_MASTER_KEY: randomBytes(32).toString('base64'),
    TRIBUTARY_LOG_FORMAT: 'json',
  }
  const child = startProgram(['serve', ...options.services], environment)
  for (const stream of [child.stdout, child.stderr]) stream.resume()
  await eventually('the process is ready', async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok)
  return {
    ...{ old, ours, environment },
    close: async () => {
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      await exited
      await ours.drop()
      await old.drop()
      await rm(folder, { recursive: true })
    },
  }
}
