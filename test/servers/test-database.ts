import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { createConnection } from 'mysql2/promise'
import { ofWorker } from './machine.ts'
import { type PrivateServer, startMariaDb } from './mariadb.ts'

let started: Promise<PrivateServer> | undefined

/** Address of the server that tests use: `TRIBUTARY_TEST_DATABASE_URL`, else a private one of this process, started at the first call. */
async function testServerUrl(): Promise<string> {
  const existing = process.env['TRIBUTARY_TEST_DATABASE_URL']
  if (existing) return existing
  const root = join(import.meta.dirname, '../..')
  started ??= startMariaDb({ folder: join(root, `.local/test-mariadb${ofWorker()}`), durable: false })
  return (await started).url
}

/** Ends the private server, when one was started. */
export async function stopTestServer(): Promise<void> {
  const server = await started
  started = undefined
  await server?.stop()
}

/** A new, empty database on the test server. `drop` removes it. */
export async function emptyTestDatabase(name = 'test'): Promise<{ url: string; drop(): Promise<void> }> {
  const server = await testServerUrl()
  const database = `tributary_${name.replaceAll(/[^a-z0-9]/gi, '_')}_${randomBytes(4).toString('hex')}`
  await execute(server, `CREATE DATABASE ${database} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci`)
  return { url: `${server}/${database}`, drop: () => execute(server, `DROP DATABASE IF EXISTS ${database}`) }
}

async function execute(url: string, statement: string): Promise<void> {
  const connection = await createConnection({ uri: url })
  try {
    await connection.query(statement)
  } finally {
    await connection.end()
  }
}
