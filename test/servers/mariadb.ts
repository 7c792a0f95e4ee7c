import { type ChildProcess, spawn } from 'node:child_process'
import { open, readFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { createConnection } from 'mysql2/promise'
import { type DataFolder, openDataFolder } from './data-folder.ts'
import { findExecutable, freePort, isRunning } from './machine.ts'
import { waitFor } from './until.ts'

/** A private MariaDB: own data folder, own port on loopback, own password. */
export type PrivateServer = {
  /** `mysql://user:password@127.0.0.1:port` without a database name; the user may create databases. */
  url: string
  port: number
  socket: string
  /** Process id of the server. */
  pid: number
  /** Ends the server and waits for it. */
  stop(): Promise<void>
  /** Lets the server live on after this process. */
  keep(): void
}

/**
 * A shell stands between us and the server and reads a pipe that closes when we end, however we end; then it ends the
 * server. The word `keep` makes it go and leave the server. When the server ends by itself, so does the shell.
 */
const SUPERVISOR = `
  exec 3<&0
  "$@" 3<&- & server=$!
  { read -r word <&3; [ "$word" = keep ] || kill -TERM $server 2> /dev/null; } &
  exec 3<&-
  wait $server
`

/**
 * Starts MariaDB on a data folder, making the folder first when it is missing. The server ends with this process,
 * whatever ends it. `durable: false` gives up the flush at each commit, which only a crash of the server or the machine
 * could show. `port` is for a server that comes back where it was, `tls` names files of PEM and makes it offer encryption.
 */
export async function startMariaDb(options: {
  folder: string
  durable: boolean
  bufferPool?: string
  port?: number
  tls?: { cert: string; key: string }
}): Promise<PrivateServer> {
  const server = findExecutable('mariadbd')
  if (!server) throw new Error('MariaDB is not installed. Install it with: apt-get install mariadb-server')
  const folder = await openDataFolder(options.folder, server)
  await untilFree(folder)
  const port = options.port ?? (await freePort())
  // A socket path may have 107 characters at most, which a deep checkout exceeds.
  const socket = join(tmpdir(), `tributary-${process.pid}-${port}.sock`)
  const log = await open(folder.log, 'a')
  const child = spawn(
    '/bin/sh',
    [
      '-c',
      SUPERVISOR,
      'supervisor',
      server,
      '--no-defaults',
      `--datadir=${folder.data}`,
      `--tmpdir=${folder.temporary}`,
      `--socket=${socket}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      `--user=${userInfo().username}`,
      `--pid-file=${folder.pidFile}`,
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
      ...(options.tls ? [`--ssl-cert=${options.tls.cert}`, `--ssl-key=${options.tls.key}`] : []),
    ],
    // Its own session, so that Ctrl-C reaches us alone and we end things in order.
    { stdio: ['pipe', log.fd, log.fd], detached: true },
  )
  // The shell may be gone when we write to it.
  child.stdin?.on('error', () => {})
  await log.close()
  const url = `mysql://root:${folder.password}@127.0.0.1:${port}`
  await untilAnswering(url, child, folder)
  const pid = (await readPid(folder)) ?? 0
  return { url, port, socket, pid, stop: () => stop(child), keep: () => keep(child) }
}

/** A server that is told to end needs a moment. Two on one folder would only end in a less clear error. */
async function untilFree(folder: DataFolder): Promise<void> {
  const pid = await readPid(folder)
  await waitFor(async () => pid === undefined || !(await isMariaDb(pid)), {
    patience: 20_000,
    message: () => `Another MariaDB, process ${pid}, uses ${folder.data}. End it: kill ${pid}`,
  })
}

async function untilAnswering(url: string, child: ChildProcess, folder: DataFolder): Promise<void> {
  const explain = async (what: string) => {
    const tail = (await readFile(folder.log, 'utf8').catch(() => '')).split('\n').slice(-8).join('\n')
    return `${what} The end of ${folder.log}:\n${tail}`
  }
  const answers = async () => {
    if (child.exitCode !== null) throw new Error(await explain(`MariaDB ended at once (exit ${child.exitCode}).`))
    const connection = await createConnection({ uri: url, connectTimeout: 2_000 }).catch(() => undefined)
    await connection?.end()
    return connection !== undefined
  }
  try {
    await waitFor(answers, { patience: 60_000, message: () => explain('MariaDB does not answer.') })
  } catch (error) {
    await stop(child)
    throw error
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
  child.stdin?.end('keep\n')
  child.unref()
}

async function readPid(folder: DataFolder): Promise<number | undefined> {
  const text = await readFile(folder.pidFile, 'utf8').catch(() => '')
  return /^\d+\s*$/.test(text) ? Number(text) : undefined
}

/** A pid file can outlive its server, and the number may be another process's by now. */
async function isMariaDb(pid: number): Promise<boolean> {
  if (!isRunning(pid)) return false
  const command = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => 'mariadbd')
  return command.startsWith('mariadbd')
}
