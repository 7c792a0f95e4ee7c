import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findExecutable } from '../../servers/machine.ts'

const run = promisify(execFile)
const REQUIREMENTS = join(import.meta.dirname, 'requirements.txt')
const LOCAL = join(import.meta.dirname, '../../../.local')

/** Schemathesis in an environment of its own below `.local/`, brought by pip once for each version of the list. */
export async function schemathesis(): Promise<string> {
  const list = await readFile(REQUIREMENTS)
  const folder = join(LOCAL, `schemathesis-${createHash('sha256').update(list).digest('hex').slice(0, 12)}`)
  const stamp = join(folder, 'complete')
  if (!existsSync(stamp)) {
    const python = findExecutable('python3')
    if (!python) throw new Error('Python is not installed. Install it with: apt-get install python3-venv')
    // An environment knows its own path, so it is made where it stays; one that was not finished is made again.
    await rm(folder, { recursive: true, force: true })
    await run(python, ['-m', 'venv', folder])
    await run(join(folder, 'bin/pip'), ['install', '--quiet', '--requirement', REQUIREMENTS]).catch((error: Error) => {
      throw new Error(`pip could not bring Schemathesis. Is the package index within reach? ${error.message}`)
    })
    await writeFile(stamp, '')
  }
  return join(folder, 'bin/st')
}

/** What keeps Schemathesis from running here, with the fix; undefined when nothing does. In CI it always has to run. */
export function whyNoSchemathesis(): string | undefined {
  if (process.env['CI'] || findExecutable('python3')) return undefined
  return 'pending, needs: sudo apt-get install python3-venv'
}
