import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { type AppRow, type Database, listApps } from '@tributary/database'
import { type Logger, type Service, startWorkLoop, type WorkLoop } from '@tributary/runtime'
import { readPseudonymKey, type Vault, type WrappedKey } from '@tributary/vault'

/** Beside the spool. */
const FILE = 'start.json'
/** What the sealed apps are bound to. */
const SEAL = 'apps for a start without the database'
/** Operators change apps by commands and by SQL, which nobody tells us. */
const INTERVAL = 5_000

/** What ingest must know of the database to verify and to keep: the key of pseudonyms, still wrapped, and our apps, sealed. */
export type KeptStart = { pseudonymKey: WrappedKey; apps: string }

/**
 * Keeps beside the spool what ingest needs to start while the database is away, as the database has it now; under the master
 * key, never in the clear. What changes is there `interval` milliseconds later.
 */
export function keepStart(
  { folder, database, vault, logger }: { folder: string; database: Database; vault: Vault; logger: Logger },
  interval = INTERVAL,
): Service {
  const name = 'kept-start'
  let kept: string | undefined
  let isFailing = false
  let loop: WorkLoop | undefined

  async function turn(): Promise<boolean> {
    const [pseudonymKey, apps] = await Promise.all([readPseudonymKey(database), listApps(database)])
    const now = JSON.stringify([pseudonymKey, apps])
    // The first time also when nothing changed: the master key may have.
    if (pseudonymKey && now !== kept)
      await writeStart(folder, { pseudonymKey, apps: vault.sealSecret(SEAL, JSON.stringify(apps)) })
    kept = now
    isFailing = false
    return false
  }

  function failed(error: unknown): void {
    if (!isFailing) logger.warn({ err: error }, 'what a start without the database needs could not be looked at or kept')
    isFailing = true
  }

  return {
    name,
    async start() {
      loop ??= startWorkLoop({ turn, failed, idle: { shortest: interval, longest: interval } })
    },
    health: async () => ({ name, status: 'ok' }),
    stop: async () => void (await loop?.stop()),
  }
}

/** Undefined where nothing was kept, or nothing that can be read. */
export async function readStart(folder: string): Promise<KeptStart | undefined> {
  try {
    const { pseudonymKey, apps } = JSON.parse(await readFile(join(folder, FILE), 'utf8'))
    const wrapped = Buffer.from(pseudonymKey.wrapped, 'base64')
    return { pseudonymKey: { wrapped, masterKey: String(pseudonymKey.masterKey) }, apps: String(apps) }
  } catch {
    return undefined
  }
}

/** The apps that were kept. Throws VaultError when they were tampered with, or their master key is gone. */
export const openApps = ({ apps }: KeptStart, vault: Vault): AppRow[] => JSON.parse(vault.openSecret(SEAL, apps))

/** Whole or not at all, whenever the machine stops. */
async function writeStart(folder: string, { pseudonymKey, apps }: KeptStart): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const { masterKey, wrapped } = pseudonymKey
  const arriving = join(folder, `${FILE}.new`)
  const file = await open(arriving, 'w', 0o600)
  try {
    await file.writeFile(JSON.stringify({ pseudonymKey: { masterKey, wrapped: wrapped.toString('base64') }, apps }))
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(arriving, join(folder, FILE))
}
