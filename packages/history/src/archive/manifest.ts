import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Position } from '@tributary/event-log'
import { HistoryError } from '../errors.ts'

/** A file of consecutive events of one partition: gzip, one JSON object a line (see `ArchivedEvent`). */
export type Segment = {
  /** Below the folder of the archive. */
  file: string
  topic: string
  partition: number
  /** Position of its first event, and the one behind its last. */
  from: Position
  next: Position
  events: number
  /** SHA-256 of the file, lower-case hex. */
  sha256: string
}

/** Data keys, still wrapped by the master key; without it they open nothing. */
export type KeyFile = { file: string; sha256: string; keys: number }

/** What an archive holds. It is written anew, atomically, after each file, so that it only names files that are whole. */
export type Manifest = {
  format: 'tributary-archive'
  version: 1
  /** Number of partitions by topic. */
  topics: Record<string, number>
  segments: Segment[]
  /** The export that writes it has not come to its end, or never did. */
  unfinished?: true
  keys?: KeyFile
}

const MANIFEST = 'manifest.json'

/** The manifest of an archive, undefined when the folder has none. Throws HistoryError HISTORY_ARCHIVE_INVALID. */
export async function readManifest(folder: string): Promise<Manifest | undefined> {
  const text = await readFile(join(folder, MANIFEST), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw error
  })
  if (text === undefined) return undefined
  const manifest = parse(text)
  if (manifest?.format === 'tributary-archive' && manifest.version === 1) return manifest as Manifest
  throw new HistoryError(
    'HISTORY_ARCHIVE_INVALID',
    `${join(folder, MANIFEST)} is no manifest of an archive that this version reads.`,
  )
}

/**
 * How many partitions each topic of an archive has; undefined when they differ or the folder has no archive. Throws HistoryError
 * HISTORY_ARCHIVE_INVALID.
 */
export async function archivedPartitions(folder: string): Promise<number | undefined> {
  const [count, ...others] = new Set(Object.values((await readManifest(folder))?.topics ?? {}))
  return others.length === 0 ? count : undefined
}

/** How many positions of an archive hold no event: what stood there the log had let go of before, or nothing ever did. */
export const emptyPositions = ({ segments }: Manifest): number =>
  segments.reduce((sum, { from, next, events }) => sum + next - from - events, 0)

export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  await writeDurably(folder, MANIFEST, Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`))
}

/**
 * Writes a file below `folder` so that it is whole or absent, whatever happens. Readable by its owner alone. Throws HistoryError
 * HISTORY_ARCHIVE_UNWRITABLE, and what `content` throws.
 */
export async function writeDurably(folder: string, file: string, content: Buffer | AsyncIterable<Buffer>): Promise<void> {
  const path = join(folder, file)
  const partial = `${path}.partial`
  try {
    await makeFolder(dirname(path))
    const handle = await open(partial, 'w', 0o600)
    try {
      await handle.writeFile(content)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(partial, path)
  } catch (error) {
    // Half a file on a full disk helps nobody.
    await rm(partial, { force: true }).catch(() => {})
    if (typeof (error as NodeJS.ErrnoException).syscall !== 'string') throw error
    throw new HistoryError(
      'HISTORY_ARCHIVE_UNWRITABLE',
      `The file ${path} cannot be written (${(error as Error).message}). Make room, or name a folder that this user can write; what the archive holds is whole.`,
      { cause: error },
    )
  }
}

/** With those above it. Node's own way to make them goes round for ever where none can be made, as below /proc. */
async function makeFolder(folder: string): Promise<void> {
  const make = () => mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => error)
  const refused = await make()
  if (!refused || refused.code === 'EEXIST') return
  if (refused.code !== 'ENOENT' || dirname(folder) === folder) throw refused
  await makeFolder(dirname(folder))
  const again = await make()
  if (again && again.code !== 'EEXIST') throw again
}

function parse(text: string): Partial<Manifest> | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
