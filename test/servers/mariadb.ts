import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { userInfo } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { createConnection } from 'mysql2/promise'

const run = promisify(execFile)

/** A private MariaDB: own data folder, own port on loopback, own password. */
export type PrivateServer = {
  /** `mysql://user:password@127.0.0.1:port` without a database name; the user may create databases. */
  url: string
  port: number
  socket: string
  /** Ends the server and waits for it. */
  stop(): Promise<void>
  /** Lets the server live on after this process. */
  keep(): void
}

/**
 * Starts MariaDB on a data folder, making the folder first when it is missing. The server ends with this process,
 * whatever ends it: a shell between the two waits on a pipe that closes when we die.
 * `durable: false` gives up the flush at each commit, which only a crash of the machine could show.
 */
export async function startMariaDb(options: { folder: string; durable: boolean; bufferPool?: string }): Promise<PrivateServer> {
  const server = findExecutable('mariadbd')
  if (!server) throw new Error('MariaDB is not installed. Install it with: apt-get install mariadb-server')
  const data = join(options.folder, 'data')
  const passwordFile = join(options.folder, 'password')
  if (!existsSync(passwordFile)) await createDataFolder(options.folder, data, passwordFile)
  const password = (await readFile(passwordFile, 'utf8')).trim()
  const port = await freePort()
  // A socket path may have 107 characters at most, which a deep checkout exceeds.
  const socket = join('/tmp', `tributary-${process.pid}-${port}.sock`)
  const log = await open(join(options.folder, 'server.log'), 'a')
  const child = spawn(
    '/bin/sh',
    [
      '-c',
      '"$@" & server=$!; cat > /dev/null; kill -TERM $server 2> /dev/null; wait $server',
      'supervisor',
      server,
      '--no-defaults',
      `--datadir=${data}`,
      `--socket=${socket}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      `--user=${userInfo().username}`,
      `--pid-file=${join(options.folder, 'server.pid')}`,
      '--skip-log-bin',
      '--skip-name-resolve',
      '--max-connections=400',
      '--max-allowed-packet=64M',
      '--character-set-server=utf8mb4',
      '--collation-server=utf8mb4_general_ci',
      `--innodb-buffer-pool-size=${options.bufferPool ?? '512M'}`,
      '--innodb-log-file-size=256M',
      `--innodb-flush-log-at-trx-commit=${options.durable ? 1 : 0}`,
      '--innodb-lock-wait-timeout=10',
    ],
    { stdio: ['pipe', log.fd, log.fd], detached: true },
  )
  await log.close()
  const url = `mysql://root:${password}@127.0.0.1:${port}`
  await untilAnswering(url, child, join(options.folder, 'server.log'))
  return { url, port, socket, stop: () => stop(child), keep: () => keep(child) }
}

async function createDataFolder(folder: string, data: string, passwordFile: string): Promise<void> {
  const install = findExecutable('mariadb-install-db')
  if (!install) throw new Error('mariadb-install-db is missing. Install it with: apt-get install mariadb-server')
  await rm(data, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  await run(install, [
    '--no-defaults',
    `--datadir=${data}`,
    `--user=${userInfo().username}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
  ])
  const password = randomBytes(18).toString('hex')
  const statements = join(folder, 'first-start.sql')
  await writeFile(
    statements,
    [
      'USE mysql;',
      'FLUSH PRIVILEGES;',
      `CREATE OR REPLACE USER root@'127.0.0.1' IDENTIFIED BY '${password}';`,
      "GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;",
      `SET PASSWORD FOR root@localhost = PASSWORD('${password}');`,
      '',
    ].join('\n'),
    { mode: 0o600 },
  )
  const server = findExecutable('mariadbd') as string
  const input = await open(statements)
  try {
    await new Promise<void>((resolve, reject) => {
      const bootstrap = spawn(
        server,
        [
          '--no-defaults',
          '--bootstrap',
          `--datadir=${data}`,
          `--user=${userInfo().username}`,
          '--skip-log-bin',
          '--skip-name-resolve',
        ],
        { stdio: [input.fd, 'ignore', 'ignore'] },
      )
      bootstrap.on('error', reject)
      bootstrap.on('exit', (code) =>
        code === 0 ? resolve() : reject(new Error(`MariaDB could not set its passwords (exit ${code})`)),
      )
    })
  } finally {
    await input.close()
    await rm(statements)
  }
  await writeFile(passwordFile, password, { mode: 0o600 })
}

async function untilAnswering(url: string, child: ChildProcess, logFile: string): Promise<void> {
  const deadline = Date.now() + 60_000
  for (;;) {
    try {
      const connection = await createConnection({ uri: url, connectTimeout: 2_000 })
      await connection.end()
      return
    } catch (error) {
      if (child.exitCode !== null || Date.now() > deadline) {
        await stop(child)
        const tail = (await readFile(logFile, 'utf8').catch(() => '')).split('\n').slice(-8).join('\n')
        throw new Error(`MariaDB did not start. The end of ${logFile}:\n${tail}`, { cause: error })
      }
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.stdin?.end()
  })
}

function keep(child: ChildProcess): void {
  // Without its supervisor nothing tells the server to end; it stays in its own session.
  child.kill('SIGKILL')
  child.unref()
}

/** The path of a program in PATH or in the system folders that a plain user's PATH leaves out. */
export function findExecutable(name: string): string | undefined {
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    '/usr/sbin',
    '/usr/local/sbin',
    '/usr/local/bin',
    '/usr/bin',
  ]
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
}

/** A port on loopback that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.on('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => (address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port'))))
    })
  })
}
