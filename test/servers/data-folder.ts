import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findExecutable } from './machine.ts'

const run = promisify(execFile)

/**
 * What MariaDB keeps in a folder of ours, and the password of its root user. `temporary` is for its temporary tables: a server that
 * starts removes all it finds there, so in a folder of all it would take away those of a server that runs.
 */
export type DataFolder = { data: string; temporary: string; log: string; pidFile: string; password: string }

/** Makes the data folder of a private MariaDB, unless it is there already. */
export async function openDataFolder(folder: string, server: string): Promise<DataFolder> {
  const data = join(folder, 'data')
  const temporary = join(folder, 'temporary')
  await mkdir(temporary, { recursive: true, mode: 0o700 })
  const passwordFile = join(folder, 'password')
  // The password is written last: without it the folder is not finished, and is made again.
  if (!existsSync(passwordFile)) await create(folder, { data, temporary, server, passwordFile })
  const password = (await readFile(passwordFile, 'utf8')).trim()
  return { data, temporary, log: join(folder, 'server.log'), pidFile: join(folder, 'server.pid'), password }
}

async function create(
  folder: string,
  { data, temporary, server, passwordFile }: { data: string; temporary: string; server: string; passwordFile: string },
): Promise<void> {
  const install = findExecutable('mariadb-install-db')
  if (!install) throw new Error('mariadb-install-db is missing. Install it with: apt-get install mariadb-server')
  await rm(data, { recursive: true, force: true })
  const options = [`--datadir=${data}`, `--tmpdir=${temporary}`, `--user=${userInfo().username}`]
  await run(install, ['--no-defaults', ...options, '--auth-root-authentication-method=normal', '--skip-test-db'])
  const password = randomBytes(18).toString('hex')
  await setPassword(folder, server, options, password)
  await writeFile(passwordFile, password, { mode: 0o600 })
}

/** Through the server's bootstrap mode, so that it never listens with an empty password. */
async function setPassword(folder: string, server: string, options: string[], password: string): Promise<void> {
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
  const input = await open(statements)
  try {
    await new Promise<void>((resolve, reject) => {
      const bootstrap = spawn(server, ['--no-defaults', '--bootstrap', ...options, '--skip-log-bin', '--skip-name-resolve'], {
        stdio: [input.fd, 'ignore', 'ignore'],
      })
      bootstrap.on('error', reject)
      bootstrap.on('exit', (code) =>
        code === 0 ? resolve() : reject(new Error(`MariaDB could not set its passwords (exit ${code})`)),
      )
    })
  } finally {
    await input.close()
    await rm(statements)
  }
}
