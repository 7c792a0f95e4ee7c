import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Database, migrate, openDatabase } from '@tributary/database'
import { type PrivateServer, startMariaDb } from '@tributary/test/servers'

const FOLDER = join(import.meta.dirname, '../../.local/bench-mariadb')

let started: Promise<PrivateServer> | undefined

/** A new database with every migration, on a MariaDB that flushes at each commit, started at the first call. */
export async function benchDatabase(name: string): Promise<{ url: string; database: Database; drop(): Promise<void> }> {
  started ??= startMariaDb({ folder: FOLDER, durable: true })
  const server = openDatabase((await started).url)
  await server.query(`DROP DATABASE IF EXISTS bench_${name}`)
  await server.query(`CREATE DATABASE bench_${name} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci`)
  const url = `${(await started).url}/bench_${name}`
  const database = openDatabase(url)
  await migrate(database)
  return {
    url,
    database,
    drop: async () => {
      await database.close()
      await server.query(`DROP DATABASE bench_${name}`)
      await server.close()
    },
  }
}

/** The processor time that the server has had, seconds (proc_pid_stat(5): fields 14 and 15, in hundredths). */
export async function serverCpuSeconds(): Promise<number> {
  const stat = await readFile(`/proc/${(await started)?.pid}/stat`, 'utf8')
  const [user, system] = stat.slice(stat.lastIndexOf(')')).split(' ').slice(12, 14)
  return (Number(user) + Number(system)) / 100
}

/** Ends the server, when one was started. */
export async function stopBenchServer(): Promise<void> {
  const server = await started
  started = undefined
  await server?.stop()
}
