import { randomInt } from 'node:crypto'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { delimiter, join } from 'node:path'

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

/** What tells this process's folders from those of the other workers of a run; empty when there is only one. */
export function ofWorker(): string {
  const id = process.env['MOCHA_WORKER_ID']
  return id === undefined ? '' : `-${id}`
}

/** Below those that a system gives to outgoing connections by itself, of which tests make thousands. */
const PORTS = { from: 15_000, to: 32_000 }

/** A port on loopback that was free a moment ago, and that no connection gets meanwhile by chance. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(PORTS.from, PORTS.to)
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.on('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(false) : reject(error)))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}

/** True while a process with this id runs. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it runs as somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
