import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { ProcessOptions, Surroundings } from './order-sync-under-test.ts'

const SCRIPT = join(import.meta.dirname, 'order-sync-process.ts')

/** Processes of order-sync that a test kills; `end` kills those that are left. */
export function childProcesses(surroundings: () => Surroundings) {
  const children = new Set<ChildProcess>()
  return {
    /** Starts a process and waits until it works. */
    async start(options: ProcessOptions): Promise<{ kill(): Promise<void> }> {
      const child = spawn(process.execPath, [SCRIPT, JSON.stringify({ surroundings: surroundings(), options })], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      children.add(child)
      child.once('exit', () => children.delete(child))
      if (child.stdout) await once(child.stdout, 'data')
      return {
        async kill() {
          child.kill('SIGKILL')
          await once(child, 'exit')
        },
      }
    },
    end() {
      for (const child of children) child.kill('SIGKILL')
    },
  }
}
