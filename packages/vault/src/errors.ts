export type VaultErrorCode =
  | 'VAULT_MASTER_KEY_MISSING'
  | 'VAULT_MASTER_KEY_INVALID'
  | 'VAULT_SEAL_BROKEN'
  | 'VAULT_KEY_UNKNOWN'
  | 'VAULT_SEALING_ENDED'

/**
 * What the vault refuses, where trying the same again never helps; or, as `VAULT_SEALING_ENDED`, that its thread ended under a
 * call, where it does. No message holds a plaintext, a key or who it is about.
 */
export class VaultError extends Error {
  override readonly name = 'VaultError'
  readonly code: VaultErrorCode
  readonly retriable: boolean

  constructor(code: VaultErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
    this.retriable = code === 'VAULT_SEALING_ENDED'
  }
}
