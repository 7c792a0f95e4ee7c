import { hash } from 'node:crypto'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Database } from '@tributary/database'
import { type KeyRow, readKeyRows, writeKeyRows } from '@tributary/vault'
import { HistoryError } from '../errors.ts'
import { readManifest, writeDurably, writeManifest } from './manifest.ts'
import { readChecked } from './segment.ts'

const FILE = 'keys.jsonl.gz'
const compress = promisify(gzip)

/**
 * Puts the vault's data keys, wrapped as they are, beside the events of an archive, and answers how many. They are all
 * written anew each time, so that a key that was destroyed since does not stay in it.
 */
export async function exportKeys(database: Database, folder: string): Promise<number> {
  const manifest = await manifestOf(folder)
  const lines: string[] = []
  let keys = 0
  for await (const row of readKeyRows(database)) {
    lines.push(`${JSON.stringify(row)}\n`)
    if (row.kind === 'key') keys += 1
  }
  const content = await compress(lines.join(''))
  await writeDurably(folder, FILE, content)
  await writeManifest(folder, { ...manifest, keys: { file: FILE, sha256: hash('sha256', content, 'hex'), keys } })
  return keys
}

/** Puts the data keys of an archive into the vault of a database; those destroyed on either side stay destroyed. */
export async function restoreKeys(database: Database, folder: string): Promise<number> {
  const { keys } = await manifestOf(folder)
  if (!keys)
    throw new HistoryError(
      'HISTORY_ARCHIVE_INVALID',
      `The archive in ${folder} holds no keys; it was exported without --with-keys.`,
    )
  const content = (await readChecked(folder, keys)).toString('utf8')
  const rows = content
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as KeyRow)
  return await writeKeyRows(database, rows)
}

async function manifestOf(folder: string) {
  const manifest = await readManifest(folder)
  if (manifest) return manifest
  throw new HistoryError('HISTORY_ARCHIVE_INVALID', `${folder} holds no archive: it has no manifest.json.`)
}
