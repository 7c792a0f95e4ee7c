import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import type { Database } from '@tributary/database'
import { codeOf } from '@tributary/runtime'
import { type KeyRow, readKeyRows, writeKeyRows } from '@tributary/vault'
import { HistoryError } from '../errors.ts'
import { type KeyFile, readManifest, writeDurably, writeManifest } from './manifest.ts'
import { brokenFile } from './segment.ts'

/** Files of keys, of this version and of those before, whole or not. */
const KEY_FILE = /^keys(?:-\d+)?\.jsonl\.gz(?:\.partial)?$/

/**
 * Puts the vault's data keys, wrapped as they are, beside the events of an archive, and answers how many. They are all
 * written anew each time, so that a key that was destroyed since does not stay in it. However many they are, a few rows
 * of them are in memory. Throws HistoryError, DatabaseError.
 */
export async function exportKeys(database: Database, folder: string): Promise<number> {
  const manifest = await manifestOf(folder)
  // A name of its own: until the manifest names the new file, the old one is what it says.
  const file = `keys-${Date.now()}.jsonl.gz`
  const keys = await writeKeyFile(folder, file, readKeyRows(database))
  await writeManifest(folder, { ...manifest, keys })
  for (const name of await readdir(folder))
    if (KEY_FILE.test(name) && name !== file) await rm(join(folder, name), { force: true })
  return keys.keys
}

/** Writes rows of keys as a file, and answers what the manifest says of it. */
export async function writeKeyFile(
  folder: string,
  file: string,
  rows: AsyncIterable<KeyRow> | Iterable<KeyRow>,
): Promise<KeyFile> {
  const digest = createHash('sha256')
  let keys = 0
  async function* lines() {
    for await (const row of rows) {
      if (row.kind === 'key') keys += 1
      yield `${JSON.stringify(row)}\n`
    }
  }
  const compressed = createGzip()
  async function* content() {
    for await (const chunk of compressed) {
      digest.update(chunk)
      yield chunk as Buffer
    }
  }
  const feeding = pipeline(Readable.from(lines()), compressed)
  // Told by what reads of it: `writeDurably` throws the same.
  feeding.catch(() => {})
  try {
    await writeDurably(folder, file, content())
  } catch (error) {
    compressed.destroy()
    throw error
  }
  return { file, sha256: digest.digest('hex'), keys }
}

/** Puts the data keys of an archive into the vault of a database; those destroyed on either side stay destroyed. */
export async function restoreKeys(database: Database, folder: string): Promise<number> {
  const { keys } = await manifestOf(folder)
  if (!keys)
    throw new HistoryError(
      'HISTORY_ARCHIVE_INVALID',
      `The archive in ${folder} holds no keys; it was exported without --with-keys.`,
    )
  return await writeKeyRows(database, readKeyFile(folder, keys))
}

/** The rows of a file of keys, none before its checksum has been found right. Throws HistoryError HISTORY_ARCHIVE_BROKEN. */
export async function* readKeyFile(folder: string, { file, sha256 }: KeyFile): AsyncGenerator<KeyRow> {
  const digest = createHash('sha256')
  const path = join(folder, file)
  try {
    for await (const chunk of createReadStream(path)) digest.update(chunk)
  } catch (cause) {
    throw brokenFile(file, codeOf(cause) === 'ENOENT' ? 'it is missing' : 'it cannot be read', cause)
  }
  if (digest.digest('hex') !== sha256) throw brokenFile(file, 'its checksum is not the one of the manifest')
  const text = createGunzip().setEncoding('utf8')
  const feeding = pipeline(createReadStream(path), text)
  // Its failure is that of what is read of it.
  feeding.catch(() => {})
  let rest = ''
  for await (const chunk of text) {
    const lines = `${rest}${chunk}`.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) yield JSON.parse(line) as KeyRow
  }
}

async function manifestOf(folder: string) {
  const manifest = await readManifest(folder)
  if (manifest) return manifest
  throw new HistoryError('HISTORY_ARCHIVE_INVALID', `${folder} holds no archive: it has no manifest.json.`)
}
