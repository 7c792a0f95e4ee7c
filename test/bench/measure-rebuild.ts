import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Row } from './benchmark.ts'
import type { MeasuredRebuild } from './rebuild-process.ts'

/** The most that the process of a rebuild may take for each of its threads, MB. */
const MOST_MEMORY = 300

/** Partitions at once, each in a thread. */
export const PARALLEL = 2

/** One rebuild of orders in a process of its own; see `rebuild-process.ts`. */
export async function measureRebuild(
  { url, masterKey }: { url: string; masterKey: Buffer },
  until: 'swapped' | 'building' = 'swapped',
): Promise<MeasuredRebuild> {
  const program = join(import.meta.dirname, 'rebuild-process.ts')
  const parameters = [program, url, masterKey.toString('hex'), String(PARALLEL), until]
  return JSON.parse((await promisify(execFile)(process.execPath, parameters)).stdout)
}

export function memoryOf(name: string, { megabytes }: Pick<MeasuredRebuild, 'megabytes'>): Row {
  const value = megabytes / PARALLEL
  const ceiling = MOST_MEMORY
  return { name: `${name}: memory of the process, for each of its threads`, value, unit: 'MB', ceiling, ratio: ceiling / value }
}
