import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'

/** The sandbox's own master key: made once, kept in its folder, readable by its user only. */
export async function sandboxMasterKey(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch {
    const key = randomBytes(32).toString('base64')
    await writeFile(file, `${key}\n`, { mode: 0o600 })
    return key
  }
}
