import { readSealHeader, type Vault } from '@tributary/vault'

/**
 * The data of an event with its sealed parts opened in place: JSON where the content is JSON, 'erased' where the key was
 * destroyed. Throws VaultError.
 */
export async function openSealedParts(vault: Vault, data: Record<string, unknown>): Promise<Record<string, unknown>> {
  const { sealed } = data
  if (typeof sealed !== 'string') return data
  const [outcome] = await vault.open([{ ...readSealHeader(sealed), jwe: sealed }])
  return { ...data, sealed: outcome?.kind === 'opened' ? parsed(outcome.plaintext) : 'erased' }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
