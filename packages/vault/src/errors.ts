export type VaultErrorCode = 'VAULT_MASTER_KEY_MISSING' | 'VAULT_MASTER_KEY_INVALID' | 'VAULT_SEAL_BROKEN' | 'VAULT_KEY_UNKNOWN'

/** What the vault refuses. Trying the same again never helps. No message holds a plaintext, a key or who it is about. */
export class VaultError extends Error {
  override readonly name = 'VaultError'
  readonly code: VaultErrorCode
  readonly retriable = false

  constructor(code: VaultErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
